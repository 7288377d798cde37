// Go's side of the cases about locks and channels: what `compare --child go CASE WORKERS MS` runs.
//
// The same work as in ../src/sync_cases, as a user of Go would write it: goroutines, channels, sync.Mutex. It prints
// the same two figures, the wall time and the CPU time of an operation in nanoseconds.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	rounds      = 1000
	tasks       = 8
	values      = 8000
	capacity    = 128
	waiters     = 1000
	eventRounds = 10
)

type testCase struct {
	operations int
	batch      func()
}

var cases = map[string]testCase{
	"lock_uncontended": {rounds, func() {
		var lock sync.Mutex
		sum := 0
		for i := 0; i < rounds; i++ {
			lock.Lock()
			sum++
			lock.Unlock()
		}
	}},
	"lock_contended":  {tasks * rounds, func() { locked(func() {}) }},
	"lock_hand_over":  {tasks * rounds, func() { locked(runtime.Gosched) }},
	"semaphore":       {tasks * rounds, semaphore},
	"event_broadcast": {waiters * eventRounds, event},
	"oneshot": {rounds, func() {
		for i := 0; i < rounds; i++ {
			channel := make(chan int, 1)
			channel <- i
			if <-channel != i {
				panic("another value")
			}
		}
	}},
	"mpsc_1": {values, func() { transfer(1) }},
	"mpsc_8": {values, func() { transfer(8) }},
}

func together(count int, task func()) {
	var all sync.WaitGroup
	all.Add(count)
	for i := 0; i < count; i++ {
		go func() {
			defer all.Done()
			task()
		}()
	}
	all.Wait()
}

func locked(between func()) {
	var lock sync.Mutex
	sum := 0
	together(tasks, func() {
		for i := 0; i < rounds; i++ {
			lock.Lock()
			between()
			sum++
			lock.Unlock()
		}
	})
}

func semaphore() {
	permits := make(chan struct{}, tasks/2)
	together(tasks, func() {
		for i := 0; i < rounds; i++ {
			permits <- struct{}{}
			runtime.Gosched()
			<-permits
		}
	})
}

// A channel for each round: closing it wakes all who wait for it.
func event() {
	var events [eventRounds]chan struct{}
	for i := range events {
		events[i] = make(chan struct{})
	}
	var arrived atomic.Int64
	var all sync.WaitGroup
	all.Add(1)
	go func() {
		defer all.Done()
		together(waiters, func() {
			for _, event := range events {
				arrived.Add(1)
				<-event
			}
		})
	}()
	for round, event := range events {
		for arrived.Load() < int64((round+1)*waiters) {
			runtime.Gosched()
		}
		close(event)
	}
	all.Wait()
}

func transfer(producers int) {
	channel := make(chan uint64, capacity)
	sum := make(chan uint64)
	go func() {
		var all uint64
		for value := range channel {
			all += value
		}
		sum <- all
	}()
	each := values / producers
	together(producers, func() {
		for value := 0; value < each; value++ {
			channel <- uint64(value)
		}
	})
	close(channel)
	if <-sum != uint64(producers*(each*(each-1)/2)) {
		panic("another sum")
	}
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func batches(batch func(), count int) time.Duration {
	start := time.Now()
	for i := 0; i < count; i++ {
		batch()
	}
	return time.Since(start)
}

func countIn(budget, batch time.Duration) int {
	if batch <= 0 || budget <= batch {
		return 1
	}
	return int(budget / batch)
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: CASE WORKERS MILLISECONDS")
		os.Exit(2)
	}
	chosen, known := cases[os.Args[1]]
	workers, err1 := strconv.Atoi(os.Args[2])
	millis, err2 := strconv.Atoi(os.Args[3])
	if !known || err1 != nil || err2 != nil {
		fmt.Fprintf(os.Stderr, "no case %q, or no numbers in %q\n", os.Args[1], os.Args[2:])
		os.Exit(2)
	}
	runtime.GOMAXPROCS(workers)
	budget := time.Duration(millis) * time.Millisecond
	batches(chosen.batch, 1)
	one := batches(chosen.batch, 1)
	batches(chosen.batch, countIn(budget/5, one))
	count := countIn(budget, one)
	cpuBefore := cpuTime()
	wall := batches(chosen.batch, count)
	cpu := cpuTime() - cpuBefore
	operations := float64(count * chosen.operations)
	fmt.Println("wall", float64(wall.Nanoseconds())/operations)
	fmt.Println("cpu", float64(cpu.Nanoseconds())/operations)
}
