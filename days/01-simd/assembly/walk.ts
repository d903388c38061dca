/**
 * Distances from one query to a list of vectors: the loop around a kernel, as a search has it. It is here and not in JavaScript
 * so that what is measured is the kernel, and not a call across the border for each distance.
 *
 * AssemblyScript. `list` is the address of `count` u32, the addresses of the vectors. Returns something that depends on every
 * distance.
 */

/** The kernel to be measured: imported, from another instance. */
declare function distance(a: usize, b: usize, n: i32): f32;

declare function distance4(q: usize, a: usize, b: usize, c: usize, d: usize, n: i32, out: usize): void;

export function oneByOne(query: usize, list: usize, count: i32, n: i32): f32 {
  let sum: f32 = 0;
  for (let i = 0; i < count; i++) sum += distance(query, load<u32>(list + ((<usize>i) << 2)), n);
  return sum;
}

/** `count` is a multiple of four. */
export function fourByFour(query: usize, list: usize, count: i32, n: i32, out: usize): f32 {
  let sum: f32 = 0;
  for (let i = 0; i < count; i += 4) {
    const at = list + ((<usize>i) << 2);
    distance4(query, load<u32>(at), load<u32>(at, 4), load<u32>(at, 8), load<u32>(at, 12), n, out);
    sum += load<f32>(out) + load<f32>(out, 4) + load<f32>(out, 8) + load<f32>(out, 12);
  }
  return sum;
}
