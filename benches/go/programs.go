package main

import (
	"math/rand"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// The cases with figures of their own.
var programs = map[string]func(int, time.Duration){
	"wake_latency":         wakeLatency,
	"timer_lateness":       timerLateness,
	"idle_ticker":          idleTicker,
	"uneven":               uneven,
	"mixed_load":           mixedLoad,
	"fairness":             fairness,
	"parked_task_memory":   func(int, time.Duration) { memory(parked) },
	"sleeping_task_memory": func(int, time.Duration) { memory(func() { time.Sleep(time.Hour) }) },
}

const waiting = 1000000

func atLeast(budget, least time.Duration) time.Duration {
	if budget < least {
		return least
	}
	return budget
}

// A thread that sleeps in the kernel, not in Go's scheduler, wakes a goroutine.
func wakeLatency(_ int, budget time.Duration) {
	count := int(budget/(160*time.Microsecond)) + 1
	woken := make(chan time.Time)
	go func() {
		runtime.LockOSThread()
		for i := 0; i < count; i++ {
			pause := syscall.NsecToTimespec(100000)
			if err := syscall.Nanosleep(&pause, nil); err != nil && err != syscall.EINTR {
				panic(err)
			}
			woken <- time.Now()
		}
	}()
	var all []time.Duration
	cpuBefore := cpuTime()
	for i := 0; i < count; i++ {
		all = append(all, time.Since(<-woken))
	}
	cpu := cpuTime() - cpuBefore
	sayPercentiles(all, []string{"p50", "p99"}, []int{500, 990})
	say("cpu", float64(cpu.Nanoseconds())/float64(count))
}

func timerLateness(_ int, budget time.Duration) {
	until := time.Now().Add(atLeast(budget, 500*time.Millisecond))
	var lock sync.Mutex
	var all []time.Duration
	var seed atomic.Int64
	together(10, func() {
		random := rand.New(rand.NewSource(seed.Add(1)))
		var late []time.Duration
		for time.Now().Before(until) {
			length := time.Duration(1000+random.Intn(9000)) * time.Microsecond
			deadline := time.Now().Add(length)
			time.Sleep(length)
			late = append(late, time.Since(deadline))
		}
		lock.Lock()
		defer lock.Unlock()
		all = append(all, late...)
	})
	sayPercentiles(all, []string{"p50", "p99"}, []int{500, 990})
}

func idleTicker(_ int, budget time.Duration) {
	ticker := time.NewTicker(time.Millisecond)
	for i := 0; i < 20; i++ {
		<-ticker.C
	}
	start, before := time.Now(), cpuTime()
	for time.Since(start) < atLeast(budget, 500*time.Millisecond) {
		<-ticker.C
	}
	say("busy", (cpuTime()-before).Seconds()*1e3/time.Since(start).Seconds())
}

var sink atomic.Uint64

func job() {
	state := sink.Load() | 1
	for i := 0; i < 6000; i++ {
		state = state*6364136223846793005 + 1
	}
	if state == 0 {
		sink.Store(state)
	}
}

func timeOfAJob() time.Duration {
	var times []time.Duration
	for i := 0; i < 201; i++ {
		start := time.Now()
		job()
		times = append(times, time.Since(start))
	}
	least := times[0]
	for _, each := range times {
		if each < least {
			least = each
		}
	}
	return least
}

func uneven(workers int, budget time.Duration) {
	const jobs, ofOne = 1000, 900
	each := timeOfAJob()
	batch := func() {
		var all sync.WaitGroup
		all.Add(jobs)
		for _, count := range []int{ofOne, jobs - ofOne} {
			count := count
			go func() {
				for i := 0; i < count; i++ {
					go func() {
						defer all.Done()
						job()
					}()
				}
			}()
		}
		all.Wait()
	}
	batch()
	start, done := time.Now(), 0
	for time.Since(start) < budget {
		batch()
		done += jobs
	}
	say("efficiency", each.Seconds()*float64(done)/(time.Since(start).Seconds()*float64(workers)))
}

// The thread outside sleeps in the kernel.
func mixedLoad(_ int, budget time.Duration) {
	until := time.Now().Add(atLeast(budget, time.Second))
	var computing sync.WaitGroup
	computing.Add(1)
	go func() {
		defer computing.Done()
		for time.Now().Before(until) {
			done := make(chan struct{})
			go func() {
				for start := time.Now(); time.Since(start) < 10*time.Millisecond; {
					job()
				}
				close(done)
			}()
			<-done
		}
	}()
	var lock sync.Mutex
	var all []time.Duration
	var open sync.WaitGroup
	asked := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		for time.Now().Before(until) {
			start := time.Now()
			open.Add(1)
			go func() {
				defer open.Done()
				done := make(chan struct{})
				go func() { close(done) }()
				<-done
				took := time.Since(start)
				lock.Lock()
				defer lock.Unlock()
				all = append(all, took)
			}()
			pause := syscall.NsecToTimespec(200000)
			_ = syscall.Nanosleep(&pause, nil)
		}
		close(asked)
	}()
	<-asked
	open.Wait()
	computing.Wait()
	sayPercentiles(all, []string{"p50", "p99", "p99.9"}, []int{500, 990, 999})
}

// Turns in the place of polls: what runs between two waits.
func fairness(int, time.Duration) {
	const most = 1000000
	var turns, longest atomic.Int64
	one := func(then int64) {
		waited := turns.Add(1) - 1 - then
		for {
			before := longest.Load()
			if waited <= before || longest.CompareAndSwap(before, waited) {
				return
			}
		}
	}
	var all sync.WaitGroup
	all.Add(1000)
	for i := 0; i < 500; i++ {
		go func() {
			defer all.Done()
			for turns.Load() < most {
				then := turns.Load()
				runtime.Gosched()
				one(then)
			}
		}()
	}
	for i := 0; i < 250; i++ {
		there, here := make(chan int64, 1), make(chan int64, 1)
		go func() {
			defer all.Done()
			for turns.Load() < most {
				there <- turns.Load()
				one(<-here)
			}
			close(there)
		}()
		go func() {
			defer all.Done()
			for then := range there {
				one(then)
				here <- turns.Load()
			}
		}()
	}
	all.Wait()
	say("polls", float64(longest.Load()))
}

var forever = make(chan struct{})

// 64 bytes of local variables that are needed afterwards.
func parked() {
	var variables [8]uint64
	variables[0] = sink.Load()
	<-forever
	sink.Store(variables[sink.Load()%8])
}

func resident() int {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		panic(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(statm))[1])
	if err != nil {
		panic(err)
	}
	return pages * os.Getpagesize()
}

func memory(wait func()) {
	spawn := func(count int) {
		var running sync.WaitGroup
		for i := 0; i < count; i++ {
			running.Add(1)
			go func() {
				running.Done()
				wait()
			}()
			if i%1000 == 999 {
				running.Wait()
			}
		}
		running.Wait()
	}
	spawn(1000)
	before := resident()
	spawn(waiting)
	say("memory", float64(resident()-before)/waiting)
}
