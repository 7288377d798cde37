//! `run` gives what the future gives.

async fn func() -> i32 {
    10
}

fn main() {
    println!("{}", bowerbird::run(func()));
}
