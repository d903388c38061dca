/** Hamming distance between bit strings: exclusive or, then population count, eight bytes at a time. */

/** Bits in which the two strings of `n` bytes differ. Scalar popcnt is one instruction; a vector one would be ten. */
export function hamming(a: usize, b: usize, n: i32): i32 {
  let s0: u64 = 0;
  let s1: u64 = 0;
  const end16 = a + <usize>(n & ~15);
  const end = a + <usize>n;
  while (a < end16) {
    s0 += popcnt<u64>(load<u64>(a) ^ load<u64>(b));
    s1 += popcnt<u64>(load<u64>(a, 8) ^ load<u64>(b, 8));
    a += 16;
    b += 16;
  }
  while (a < end) {
    s0 += popcnt<u32>(<u32>load<u8>(a) ^ <u32>load<u8>(b));
    a += 1;
    b += 1;
  }
  return <i32>(s0 + s1);
}

/** `hamming` of `q` with four strings, one per i32 lane. */
export function hammingx4(q: usize, a: usize, b: usize, c: usize, d: usize, n: i32): v128 {
  let s0: u64 = 0;
  let s1: u64 = 0;
  let s2: u64 = 0;
  let s3: u64 = 0;
  const end8 = <usize>(n & ~7);
  const end = <usize>n;
  let i: usize = 0;
  while (i < end8) {
    const x = load<u64>(q + i);
    s0 += popcnt<u64>(x ^ load<u64>(a + i));
    s1 += popcnt<u64>(x ^ load<u64>(b + i));
    s2 += popcnt<u64>(x ^ load<u64>(c + i));
    s3 += popcnt<u64>(x ^ load<u64>(d + i));
    i += 8;
  }
  while (i < end) {
    const x = <u32>load<u8>(q + i);
    s0 += popcnt<u32>(x ^ <u32>load<u8>(a + i));
    s1 += popcnt<u32>(x ^ <u32>load<u8>(b + i));
    s2 += popcnt<u32>(x ^ <u32>load<u8>(c + i));
    s3 += popcnt<u32>(x ^ <u32>load<u8>(d + i));
    i += 1;
  }
  let sums = i32x4.splat(<i32>s0);
  sums = i32x4.replace_lane(sums, 1, <i32>s1);
  sums = i32x4.replace_lane(sums, 2, <i32>s2);
  return i32x4.replace_lane(sums, 3, <i32>s3);
}
