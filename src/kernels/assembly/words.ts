/** Reading and writing the i-th word of an array in memory. */

export function getU32(base: usize, i: i32): u32 {
  return load<u32>(base + ((<usize>i) << 2));
}

export function setU32(base: usize, i: i32, value: u32): void {
  store<u32>(base + ((<usize>i) << 2), value);
}

export function getF32(base: usize, i: i32): f32 {
  return load<f32>(base + ((<usize>i) << 2));
}

export function setF32(base: usize, i: i32, value: f32): void {
  store<f32>(base + ((<usize>i) << 2), value);
}

export function getU64(base: usize, i: i32): u64 {
  return load<u64>(base + ((<usize>i) << 3));
}

export function setU64(base: usize, i: i32, value: u64): void {
  store<u64>(base + ((<usize>i) << 3), value);
}
