// Go's side of the comparison: what `compare --child go CASE WORKERS MS` runs.
//
// The same work as in ../src/cases and ../src/sync_cases, as a user of Go would write it: goroutines, channels, sync.Mutex.
// It prints the same figures under the same names, a line each. With --list it prints the names of its cases.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// A piece of work that is repeated; a figure is that of one of its operations.
type testCase struct {
	operations int
	batch      func()
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

func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func allocations() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.Mallocs
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

func say(metric string, value float64) {
	fmt.Println(metric, value)
}

func sayPercentiles(all []time.Duration, names []string, permille []int) {
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	for i, name := range names {
		say(name, float64(all[(len(all)-1)*permille[i]/1000].Nanoseconds())/1e3)
	}
}

func repeated(chosen testCase, budget time.Duration) {
	count := 1
	if first := batches(chosen.batch, 1); first < budget {
		one := batches(chosen.batch, 1)
		batches(chosen.batch, countIn(budget/5, one))
		count = countIn(budget, one)
	}
	cpuBefore := cpuTime()
	wall := batches(chosen.batch, count)
	cpu := cpuTime() - cpuBefore
	before := allocations()
	chosen.batch()
	allocated := allocations() - before
	all := float64(count * chosen.operations)
	say("wall", float64(wall.Nanoseconds())/all)
	say("cpu", float64(cpu.Nanoseconds())/all)
	say("allocations", float64(allocated)/float64(chosen.operations))
}

// Those that are repeated, and those that print figures of their own.
func find(name string) (testCase, func(int, time.Duration)) {
	for _, cases := range []map[string]testCase{syncCases, scheduling} {
		if found, ok := cases[name]; ok {
			return found, nil
		}
	}
	return testCase{}, programs[name]
}

func list() {
	for name := range syncCases {
		fmt.Println(name)
	}
	for name := range scheduling {
		fmt.Println(name)
	}
	for name := range programs {
		fmt.Println(name)
	}
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "--list" {
		list()
		return
	}
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: --list | CASE WORKERS MILLISECONDS")
		os.Exit(2)
	}
	chosen, program := find(os.Args[1])
	workers, err1 := strconv.Atoi(os.Args[2])
	millis, err2 := strconv.Atoi(os.Args[3])
	if chosen.batch == nil && program == nil || err1 != nil || err2 != nil {
		fmt.Fprintf(os.Stderr, "no case %q, or no numbers in %q\n", os.Args[1], os.Args[2:])
		os.Exit(2)
	}
	runtime.GOMAXPROCS(workers)
	budget := time.Duration(millis) * time.Millisecond
	if program != nil {
		program(workers, budget)
		return
	}
	repeated(chosen, budget)
}
