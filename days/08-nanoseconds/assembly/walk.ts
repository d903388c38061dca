/**
 * A kernel on integers called for a list of vectors, as a search does it: what is measured is the kernel and not a call across the
 * border for each distance. For kernels in f32, day 01 has the same.
 *
 * AssemblyScript. `list` is the address of `count` u32, the addresses of the vectors. Returns something that depends on every dot.
 */

/** The kernel to be measured: imported, from another instance. */
declare function dot(a: usize, b: usize, n: i32): i32;

declare function dot4(q: usize, a: usize, b: usize, c: usize, d: usize, n: i32, out: usize): void;

export function oneByOne(query: usize, list: usize, count: i32, n: i32): i32 {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += dot(query, load<u32>(list + ((<usize>i) << 2)), n);
  return sum;
}

/** `count` is a multiple of four. */
export function fourByFour(query: usize, list: usize, count: i32, n: i32, out: usize): i32 {
  let sum = 0;
  for (let i = 0; i < count; i += 4) {
    const at = list + ((<usize>i) << 2);
    dot4(query, load<u32>(at), load<u32>(at, 4), load<u32>(at, 8), load<u32>(at, 12), n, out);
    sum += load<i32>(out) + load<i32>(out, 4) + load<i32>(out, 8) + load<i32>(out, 12);
  }
  return sum;
}
