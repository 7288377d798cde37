package main

import (
	"runtime"
	"sync"
	"sync/atomic"
)

const (
	rounds      = 1000
	tasks       = 8
	values      = 8000
	capacity    = 128
	waiters     = 1000
	eventRounds = 10
)

var syncCases = map[string]testCase{
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
