/**
 * A random rotation in O(n log n): rounds of random sign flips and a fast Hadamard transform. Where n is no power of two,
 * the transform takes the first and the last 2^k coordinates in turn, and a step of Kac's walk mixes the halves between
 * (the structure of RaBitQ's library; Gao & Long 2024).
 */
const SQRT1_2: f32 = 0.7071067811865476;

/** Rotates the `n` floats at `x` in place; `flips` holds ROUNDS · n floats of ±1; `n` is a multiple of 64. */
export function rotate(x: usize, n: i32, flips: usize, rounds: i32): void {
  let power = 64;
  while (power << 1 <= n) power <<= 1;
  const bytes = (<usize>n) << 2;
  const tail = (<usize>(n - power)) << 2;
  for (let round = 0; round < rounds; round++) {
    // The transform flips what it reads; what it leaves out is flipped here.
    const skipped = round & 1 ? 0 : bytes - tail;
    for (let i = skipped; i < skipped + tail; i += 16) {
      v128.store(x + i, f32x4.mul(v128.load(x + i), v128.load(flips + i)));
    }
    const offset = round & 1 ? tail : 0;
    hadamard(x + offset, power, flips + offset);
    flips += bytes;
    if (power < n) mixHalves(x, n >> 1);
  }
}

/** R(x − μ) of the `dimension` floats at `x`, in `n` floats at `to`: padded with zeros, and rotated as `rotate` does. */
export function rotateAbout(mean: usize, x: usize, dimension: i32, to: usize, n: i32, flips: usize, rounds: i32): void {
  const bytes = (<usize>dimension) << 2;
  const whole = bytes & ~15;
  for (let i: usize = 0; i < whole; i += 16) {
    v128.store(to + i, f32x4.sub(v128.load(x + i), v128.load(mean + i)));
  }
  for (let i = whole; i < bytes; i += 4) store<f32>(to + i, load<f32>(x + i) - load<f32>(mean + i));
  padAndRotate(to, dimension, n, flips, rounds);
}

/** The same of x itself. */
export function rotateInto(x: usize, dimension: i32, to: usize, n: i32, flips: usize, rounds: i32): void {
  memory.copy(to, x, (<usize>dimension) << 2);
  padAndRotate(to, dimension, n, flips, rounds);
}

function padAndRotate(x: usize, dimension: i32, n: i32, flips: usize, rounds: i32): void {
  const bytes = (<usize>dimension) << 2;
  memory.fill(x + bytes, 0, ((<usize>n) << 2) - bytes);
  rotate(x, n, flips, rounds);
}

/** Undoes `rotate` with the same arguments: all of its parts undo themselves, so they are taken from last to first. */
export function unrotate(x: usize, n: i32, flips: usize, rounds: i32): void {
  let power = 64;
  while (power << 1 <= n) power <<= 1;
  const bytes = (<usize>n) << 2;
  const tail = (<usize>(n - power)) << 2;
  for (let round = rounds - 1; round >= 0; round--) {
    const signs = flips + <usize>round * bytes;
    if (power < n) mixHalves(x, n >> 1);
    const offset = round & 1 ? tail : 0;
    // The transform flips what it reads; flipped before that, it reads what was there.
    const end = offset + bytes - tail;
    for (let i = offset; i < end; i += 16) flip(x + i, signs + i);
    hadamard(x + offset, power, signs + offset);
    for (let i: usize = 0; i < bytes; i += 16) flip(x + i, signs + i);
  }
}

function flip(x: usize, signs: usize): void {
  v128.store(x, f32x4.mul(v128.load(x), v128.load(signs)));
}

/** Flips, then the orthonormal fast Walsh-Hadamard transform of `n` floats, n a power of two from 64. */
function hadamard(x: usize, n: i32, flips: usize): void {
  const end = x + ((<usize>n) << 2);
  const scale = f32x4.splat(<f32>(1.0 / sqrt<f64>(<f64>n)));
  // Strides 1 and 2 within one vector, scaled in passing; then strides 4 and 8 within sixteen floats.
  for (let p = x; p < end; p += 64) {
    const a = within4(f32x4.mul(v128.load(p), v128.load(flips)), scale);
    const b = within4(f32x4.mul(v128.load(p, 16), v128.load(flips, 16)), scale);
    const c = within4(f32x4.mul(v128.load(p, 32), v128.load(flips, 32)), scale);
    const d = within4(f32x4.mul(v128.load(p, 48), v128.load(flips, 48)), scale);
    const s = f32x4.add(a, b);
    const t = f32x4.sub(a, b);
    const u = f32x4.add(c, d);
    const v = f32x4.sub(c, d);
    v128.store(p, f32x4.add(s, u));
    v128.store(p, f32x4.add(t, v), 16);
    v128.store(p, f32x4.sub(s, u), 32);
    v128.store(p, f32x4.sub(t, v), 48);
    flips += 64;
  }
  // Two strides a pass: h and 2h.
  let h: usize = 64;
  const bytes = (<usize>n) << 2;
  while (h << 1 < bytes) {
    for (let block = x; block < end; block += h << 2) {
      for (let p = block; p < block + h; p += 16) {
        const p1 = p + h;
        const p2 = p1 + h;
        const p3 = p2 + h;
        const a = v128.load(p);
        const b = v128.load(p1);
        const c = v128.load(p2);
        const d = v128.load(p3);
        const s = f32x4.add(a, b);
        const t = f32x4.sub(a, b);
        const u = f32x4.add(c, d);
        const v = f32x4.sub(c, d);
        v128.store(p, f32x4.add(s, u));
        v128.store(p1, f32x4.add(t, v));
        v128.store(p2, f32x4.sub(s, u));
        v128.store(p3, f32x4.sub(t, v));
      }
    }
    h <<= 2;
  }
  if (h < bytes) {
    for (let p = x; p < x + h; p += 16) {
      const a = v128.load(p);
      const b = v128.load(p + h);
      v128.store(p, f32x4.add(a, b));
      v128.store(p + h, f32x4.sub(a, b));
    }
  }
}

function within4(x: v128, scale: v128): v128 {
  const y = f32x4.mul(x, scale);
  const signs1 = f32x4(1, -1, 1, -1);
  const signs2 = f32x4(1, 1, -1, -1);
  const z = f32x4.add(v128.shuffle<f32>(y, y, 1, 0, 3, 2), f32x4.mul(y, signs1));
  return f32x4.add(v128.shuffle<f32>(z, z, 2, 3, 0, 1), f32x4.mul(z, signs2));
}

/** One step of Kac's walk: (a, b) → (a + b, a − b) / √2 over the two halves of `2 · half` floats. */
function mixHalves(x: usize, half: i32): void {
  const scale = f32x4.splat(SQRT1_2);
  const bytes = (<usize>half) << 2;
  for (let p = x; p < x + bytes; p += 16) {
    const a = v128.load(p);
    const b = v128.load(p + bytes);
    v128.store(p, f32x4.mul(f32x4.add(a, b), scale));
    v128.store(p + bytes, f32x4.mul(f32x4.sub(a, b), scale));
  }
}
