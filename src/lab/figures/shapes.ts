/** Shapes that are told apart without their colours, each as a path around (0, 0) that covers about the same area. */
export type Shape = 'circle' | 'square' | 'diamond' | 'triangle' | 'star' | 'hexagon' | 'plus';

/** The path of a shape around (x, y), as large as a circle of this radius. */
export function shapePath(shape: Shape, radius: number, [x, y]: readonly [number, number]): string {
  switch (shape) {
    case 'circle': {
      const r = tenth(radius);
      return `M${tenth(x - r)} ${tenth(y)}a${r} ${r} 0 1 0 ${tenth(2 * r)} 0a${r} ${r} 0 1 0 ${tenth(-2 * r)} 0z`;
    }
    case 'square':
      return polygon(4, radius * 1.25, Math.PI / 4)(x, y);
    case 'diamond':
      return polygon(4, radius * 1.3, 0)(x, y);
    case 'triangle':
      return polygon(3, radius * 1.45, -Math.PI / 2)(x, y);
    case 'hexagon':
      return polygon(6, radius * 1.12, 0)(x, y);
    case 'star':
      return polygon(10, radius * 1.5, -Math.PI / 2, radius * 0.62)(x, y);
    case 'plus':
      return plus(radius * 1.15, radius * 0.42)(x, y);
  }
}

type Outline = (x: number, y: number) => string;

/** Corners on a circle; every other one on a smaller circle where `inner` is given. */
function polygon(corners: number, outer: number, from: number, inner = outer): Outline {
  return (x, y) => {
    const points = Array.from({ length: corners }, (_, i) => {
      const angle = from + (2 * Math.PI * i) / corners;
      const radius = i % 2 === 0 ? outer : inner;
      return `${tenth(x + radius * Math.cos(angle))} ${tenth(y + radius * Math.sin(angle))}`;
    });
    return `M${points.join('L')}z`;
  };
}

function plus(long: number, half: number): Outline {
  return (x, y) => {
    const [left, right, top, bottom] = [x - half, x + half, y - half, y + half].map(tenth);
    const [west, east, north, south] = [x - long, x + long, y - long, y + long].map(tenth);
    return `M${left} ${north}H${right}V${top}H${east}V${bottom}H${right}V${south}H${left}V${bottom}H${west}V${top}H${left}z`;
  };
}

/** Of a pixel; never −0. */
function tenth(value: number): number {
  return Math.round(value * 10) / 10 + 0;
}
