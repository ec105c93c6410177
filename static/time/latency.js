// Latency as lb counts it: four buckets to each power of two, from 16 µs on. Pure.

export const BUCKETS = 88;

/** The shortest latency, in microseconds, in that bucket; as `bucket_start_us` in crates/common/src/api/tick.rs. */
export function bucketStartUs(bucket) {
  return bucket === 0 ? 0 : (4 + (bucket % 4)) * 2 ** (Math.floor(bucket / 4) + 2);
}

/**
 * What so large a part of the requests took at most, in milliseconds; within a bucket they are taken to lie evenly.
 * @param {[number, number][]} pairs a bucket and a count each, in the order of the buckets
 * @param {number} part 0 to 1 @returns {number | null} null where nothing was counted
 */
export function quantileMs(pairs, part) {
  let left = part * pairs.reduce((sum, [, count]) => sum + count, 0);
  for (const [bucket, count] of pairs) {
    if (left <= count && count > 0) {
      const start = bucketStartUs(bucket);
      const end = bucket === BUCKETS - 1 ? start : bucketStartUs(bucket + 1);
      return (start + (end - start) * (left / count)) / 1000;
    }
    left -= count;
  }
  return null;
}
