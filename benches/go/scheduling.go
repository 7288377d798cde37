package main

import (
	"runtime"
	"sync"
	"time"
)

const (
	spawned = 10000
	chain   = 1000
	pairs   = 1000
	ring    = 100
	hops    = 100 * ring
	leaves  = 1000000
	sleeps  = 100000
)

var scheduling = map[string]testCase{
	"spawn_many_local": {spawned, func() { together(spawned, func() {}) }},
	"chained_spawn": {chain, func() {
		end := make(chan struct{})
		go link(chain-1, end)
		<-end
	}},
	"spawn_await_one": {1000, func() {
		for i := 0; i < 1000; i++ {
			done := make(chan struct{})
			go func() { close(done) }()
			<-done
		}
	}},
	"gather_1000": {1000, func() {
		outputs := make([]int, 1000)
		var all sync.WaitGroup
		all.Add(len(outputs))
		for i := range outputs {
			i := i
			go func() {
				defer all.Done()
				outputs[i] = i
			}()
		}
		all.Wait()
	}},
	"fib": {8361, func() {
		sum := make(chan uint64, 1)
		go fib(18, sum)
		<-sum
	}},
	"skynet": {(leaves*10 - 1) / 9, func() {
		sum := make(chan uint64, 1)
		go skynet(0, leaves, sum)
		if <-sum != leaves*(leaves-1)/2 {
			panic("another sum")
		}
	}},
	"yield_many": {200 * 1000, func() {
		together(200, func() {
			for i := 0; i < 1000; i++ {
				runtime.Gosched()
			}
		})
	}},
	"ping_pong": {pairs, func() {
		together(pairs, func() {
			ping, pong := make(chan struct{}, 1), make(chan struct{}, 1)
			go func() {
				<-ping
				pong <- struct{}{}
			}()
			ping <- struct{}{}
			<-pong
		})
	}},
	"token_pass": {hops, tokenPass},
	"timer_churn": {1024, func() {
		for i := 0; i < 1024; i++ {
			time.NewTimer(10 * time.Second).Stop()
		}
	}},
	"sleep_many": {sleeps, func() {
		var all sync.WaitGroup
		all.Add(sleeps)
		for i := 0; i < sleeps; i++ {
			length := time.Duration(1+i*37%100) * time.Millisecond
			go func() {
				defer all.Done()
				time.Sleep(length)
			}()
		}
		all.Wait()
	}},
}

func link(left int, end chan struct{}) {
	if left == 0 {
		close(end)
		return
	}
	go link(left-1, end)
}

func fib(n uint32, to chan<- uint64) {
	if n < 2 {
		to <- uint64(n)
		return
	}
	left, right := make(chan uint64, 1), make(chan uint64, 1)
	go fib(n-1, left)
	go fib(n-2, right)
	to <- <-left + <-right
}

func skynet(first, count uint64, to chan<- uint64) {
	if count == 1 {
		to <- first
		return
	}
	part := count / 10
	sums := make(chan uint64, 10)
	for i := uint64(0); i < 10; i++ {
		go skynet(first+i*part, part, sums)
	}
	var sum uint64
	for i := 0; i < 10; i++ {
		sum += <-sums
	}
	to <- sum
}

func tokenPass() {
	first := make(chan int, 1)
	left := first
	var all sync.WaitGroup
	all.Add(ring)
	for i := 0; i < ring; i++ {
		from, to := left, make(chan int, 1)
		if i == ring-1 {
			to = first
		}
		left = to
		go func() {
			defer all.Done()
			for token := range from {
				if token == 1 {
					// Its successor ends, then the next, and so all do, but for the one that told it.
					close(to)
					return
				}
				to <- token - 1
			}
			// The ring is closed already where it began to close.
			defer func() { _ = recover() }()
			close(to)
		}()
	}
	first <- hops
	all.Wait()
}
