use super::*;
use std::sync::Arc;

fn publish<T>(producer: &mut Producer<T>) -> bool {
    producer.commit();
    producer.publish()
}

#[test]
fn items_are_invisible_until_published() {
    let (mut producer, mut consumer) = queue();
    producer.push(1);
    assert_eq!(consumer.pop(), None);
    assert!(!publish(&mut producer));
    assert_eq!(consumer.pop(), Some(1));
}

#[test]
fn order_holds_over_many_chunks() {
    let (mut producer, mut consumer) = queue();
    for n in 0..1000 {
        producer.push(n);
        if n % 7 == 0 {
            publish(&mut producer);
        }
    }
    publish(&mut producer);
    for n in 0..1000 {
        assert_eq!(consumer.peek(), Some(&n));
        assert_eq!(consumer.pop(), Some(n));
    }
    assert_eq!(consumer.poll(), QueueState::Empty);
    drop(producer);
    assert_eq!(consumer.poll(), QueueState::Closed);
}

#[test]
fn only_the_publish_that_ends_a_sleep_wakes() {
    let (mut producer, mut consumer) = queue();
    assert_eq!(consumer.arm(), QueueState::Empty);
    producer.push(1);
    assert!(publish(&mut producer));
    producer.push(2);
    assert!(!publish(&mut producer));
    assert_eq!(consumer.arm(), QueueState::Ready);
}

#[test]
fn retracted_items_are_dropped_across_chunks() {
    for published in [0, 1, FIRST, FIRST + 1, FIRST + CHUNK, FIRST + CHUNK + 1] {
        let item = Arc::new(());
        let (mut producer, mut consumer) = queue();
        for _ in 0..published {
            producer.push(item.clone());
        }
        publish(&mut producer);
        for _ in 0..3 * CHUNK {
            producer.push(item.clone());
        }
        producer.rollback();
        assert_eq!(Arc::strong_count(&item), 1 + published);
        producer.push(item.clone());
        publish(&mut producer);
        let mut seen = 0;
        while consumer.pop().is_some() {
            seen += 1;
        }
        assert_eq!(seen, published + 1);
        assert_eq!(Arc::strong_count(&item), 1);
    }
}

#[test]
fn nothing_leaks_whichever_end_goes_first() {
    for popped in [0, 1, FIRST, FIRST + 1, FIRST + CHUNK, FIRST + CHUNK + 1, 4 * CHUNK] {
        for consumer_first in [false, true] {
            let item = Arc::new(());
            let (mut producer, mut consumer) = queue();
            for _ in 0..4 * CHUNK {
                producer.push(item.clone());
            }
            publish(&mut producer);
            for _ in 0..popped {
                consumer.pop();
            }
            if consumer_first {
                drop(consumer);
                producer.push(item.clone());
                publish(&mut producer);
                drop(producer);
            } else {
                drop(producer);
                drop(consumer);
            }
            assert_eq!(Arc::strong_count(&item), 1);
        }
    }
}

#[test]
fn two_threads_pass_items_in_order() {
    let (mut producer, mut consumer) = queue();
    let writer = std::thread::spawn(move || {
        for n in 0..200_000u64 {
            producer.push(n);
            publish(&mut producer);
        }
    });
    let mut expected = 0;
    while consumer.poll() != QueueState::Closed {
        if let Some(n) = consumer.pop() {
            assert_eq!(n, expected);
            expected += 1;
        }
    }
    assert_eq!(expected, 200_000);
    writer.join().unwrap();
}
