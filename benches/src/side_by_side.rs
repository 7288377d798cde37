//! A case as a criterion group: every runtime, on one worker and on two.

use std::marker::PhantomData;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{Bencher, BenchmarkGroup, BenchmarkId, Criterion, Throughput};

use crate::cases::Case;
use crate::echo::{BUFFER_BYTES, CONNECTIONS, Client, Load, MESSAGE_BYTES};
use crate::machine::with_one_cpu;
use crate::primitives::{self, Primitives};
use crate::runtimes::{self, Runtime, Visitor};
use crate::servers::{self, Network};
use crate::sync_cases::SyncCase;

/// Measures `C` on all runtimes.
pub fn run<C: Case>(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group(C::NAME);
    group.throughput(Throughput::Elements(C::OPERATIONS));
    for_all(&mut group, CaseBencher::<C>(PhantomData));
    group.finish();
}

/// Measures the echo on all runtimes: an iteration is a message.
pub fn run_echo(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tcp_echo");
    group.throughput(Throughput::Elements(1));
    for_all(&mut group, EchoBencher);
    group.finish();
}

/// Measures `C` with all libraries that have what it is about.
pub fn run_sync<C: SyncCase>(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group(C::NAME);
    group.throughput(Throughput::Elements(C::OPERATIONS));
    settle(&mut group);
    for workers in [1, 2] {
        for name in primitives::names(C::KIND) {
            let mut visitor = SyncInGroup::<C> { group: &mut group, workers, case: PhantomData };
            primitives::visit(name, &mut visitor).expect("a listed name");
        }
    }
    group.finish();
}

struct SyncInGroup<'a, 'g, C> {
    group: &'a mut BenchmarkGroup<'g, WallTime>,
    workers: usize,
    case: PhantomData<C>,
}

impl<C: SyncCase> primitives::Visitor for SyncInGroup<'_, '_, C> {
    type Output = ();

    fn visit<P: Primitives>(&mut self) {
        let workers = self.workers;
        let bench = |bencher: &mut Bencher<'_>| {
            bencher.iter_custom(|count| P::Runtime::run(workers, C::batches::<P>(count)));
        };
        self.group.bench_function(BenchmarkId::new(P::NAME, workers), |bencher| match workers {
            1 => with_one_cpu(|| bench(bencher)),
            _ => bench(bencher),
        });
    }
}

/// How one runtime is measured.
trait RuntimeBencher: Copy {
    fn bench<R: Network>(self, bencher: &mut Bencher<'_>, workers: usize);
}

fn settle(group: &mut BenchmarkGroup<'_, WallTime>) {
    group.sample_size(20);
    // Short, because a case with pauses in it lasts far longer than the time it reports.
    group.warm_up_time(Duration::from_millis(50)).measurement_time(Duration::from_millis(500));
}

fn for_all<B: RuntimeBencher>(group: &mut BenchmarkGroup<'_, WallTime>, how: B) {
    settle(group);
    for workers in [1, 2] {
        for name in runtimes::NAMES {
            runtimes::visit(name, &mut InGroup { group, workers, how }).expect("a listed name");
        }
    }
}

struct InGroup<'a, 'g, B> {
    group: &'a mut BenchmarkGroup<'g, WallTime>,
    workers: usize,
    how: B,
}

impl<B: RuntimeBencher> Visitor for InGroup<'_, '_, B> {
    type Output = ();

    fn visit<R: Network>(&mut self) {
        let id = BenchmarkId::new(R::NAME, self.workers);
        self.group.bench_function(id, |bencher| match self.workers {
            1 => with_one_cpu(|| self.how.bench::<R>(bencher, 1)),
            workers => self.how.bench::<R>(bencher, workers),
        });
    }
}

struct CaseBencher<C>(PhantomData<C>);

impl<C> Clone for CaseBencher<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for CaseBencher<C> {}

impl<C: Case> RuntimeBencher for CaseBencher<C> {
    fn bench<R: Network>(self, bencher: &mut Bencher<'_>, workers: usize) {
        bencher.iter_custom(|count| R::run(workers, C::batches::<R>(count)));
    }
}

#[derive(Clone, Copy)]
struct EchoBencher;

impl RuntimeBencher for EchoBencher {
    fn bench<R: Network>(self, bencher: &mut Bencher<'_>, workers: usize) {
        let (bound, address) = mpsc::channel();
        let serve = servers::echo::<R, BUFFER_BYTES>(bound, CONNECTIONS);
        let server = thread::spawn(move || R::run(workers, serve));
        let mut client = Client::connect(
            address.recv().expect("the server is there"),
            Load::echo(MESSAGE_BYTES),
        );
        bencher.iter_custom(|count| {
            let done = client.exchange(|messages, _| messages >= count);
            done.elapsed.mul_f64(count as f64 / done.messages as f64)
        });
        drop(client);
        server.join().expect("the server ends");
    }
}
