use super::*;
use loom::sync::atomic::AtomicBool;
use loom::thread;

fn publish<T>(producer: &mut Producer<T>) -> bool {
    producer.commit();
    producer.publish()
}

/// Three items over two chunks, consumer sleeping in between: all arrive, in order, and every
/// sleep is ended by a publish that says so.
#[test]
fn a_sleeping_consumer_is_always_woken() {
    loom::model(|| {
        let (mut producer, mut consumer) = queue::<u32>();
        let woken = Arc::new(AtomicBool::new(false));
        let wake = woken.clone();
        let writer = thread::spawn(move || {
            for n in 0..3 {
                producer.push(n);
                if n != 1 && publish(&mut producer) {
                    wake.swap(true, Ordering::AcqRel);
                }
            }
            producer
        });
        let mut expected = 0;
        while expected < 3 {
            match consumer.pop() {
                Some(n) => {
                    assert_eq!(n, expected);
                    expected += 1;
                }
                None => {
                    if consumer.arm() == QueueState::Empty {
                        while !woken.swap(false, Ordering::Acquire) {
                            thread::yield_now();
                        }
                    }
                }
            }
        }
        writer.join().unwrap();
    });
}

/// Parts that are taken back, in a chunk that the consumer has yet to reach, while it frees the
/// one before: neither meets a chunk that is gone.
#[test]
fn parts_are_taken_back_while_the_consumer_moves_on() {
    loom::model(|| {
        let (mut producer, mut consumer) = queue::<Box<u32>>();
        let writer = thread::spawn(move || {
            for n in 0..2 {
                producer.push(Box::new(n));
            }
            publish(&mut producer);
            producer.push(Box::new(7));
            producer.rollback();
            producer.push(Box::new(2));
            publish(&mut producer);
        });
        let mut expected = 0;
        while consumer.poll() != QueueState::Closed {
            match consumer.pop() {
                Some(n) => {
                    assert_eq!(*n, expected);
                    expected += 1;
                }
                None => thread::yield_now(),
            }
        }
        assert_eq!(expected, 3);
        writer.join().unwrap();
    });
}

/// Both ends go at any moment: every item is dropped exactly once (loom checks the cells).
#[test]
fn ends_may_be_dropped_at_any_moment() {
    loom::model(|| {
        let (mut producer, mut consumer) = queue::<Box<u32>>();
        let writer = thread::spawn(move || {
            for n in 0..3 {
                producer.push(Box::new(n));
                publish(&mut producer);
            }
        });
        consumer.pop();
        drop(consumer);
        writer.join().unwrap();
    });
}
