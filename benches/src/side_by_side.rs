//! A case as a criterion group: every runtime, on one worker and on two.

use std::marker::PhantomData;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{Bencher, BenchmarkGroup, BenchmarkId, Criterion, Throughput};

use crate::cases::Case;
use crate::echo::Client;
use crate::machine::with_one_cpu;
use crate::runtimes::{self, Runtime, Visitor};

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

/// How one runtime is measured.
trait RuntimeBencher: Copy {
    fn bench<R: Runtime>(self, bencher: &mut Bencher<'_>, workers: usize);
}

fn for_all<B: RuntimeBencher>(group: &mut BenchmarkGroup<'_, WallTime>, how: B) {
    group.sample_size(20);
    // Short, because a case with pauses in it lasts far longer than the time it reports.
    group.warm_up_time(Duration::from_millis(50)).measurement_time(Duration::from_millis(500));
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

    fn visit<R: Runtime>(&mut self) {
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
    fn bench<R: Runtime>(self, bencher: &mut Bencher<'_>, workers: usize) {
        bencher.iter_custom(|count| R::run(workers, C::batches::<R>(count)));
    }
}

#[derive(Clone, Copy)]
struct EchoBencher;

impl RuntimeBencher for EchoBencher {
    fn bench<R: Runtime>(self, bencher: &mut Bencher<'_>, workers: usize) {
        let (bound, address) = mpsc::channel();
        let connections = crate::echo::CONNECTIONS;
        let server = thread::spawn(move || R::run(workers, R::serve_echo(bound, connections)));
        let mut client = Client::connect(address.recv().expect("the server is there"));
        bencher.iter_custom(|count| {
            let done = client.exchange(|messages, _| messages >= count);
            done.elapsed.mul_f64(count as f64 / done.messages as f64)
        });
        drop(client);
        server.join().expect("the server ends");
    }
}
