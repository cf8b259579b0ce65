/** Figures that the task prints and keeps. */
import { writeFileSync } from "node:fs";

export interface Figure {
  what: string;
  /** None where there is nothing to measure; `beside` then says why. */
  value?: number;
  unit: "ms" | "MB" | "x" | "%";
  beside: string;
  /** What the figure was made of, for the JSON. */
  detail?: Record<string, unknown>;
}

export function report(figures: Figure[]): void {
  const path = process.env.SEALPOST_FIGURES;
  if (path) writeFileSync(path, JSON.stringify(figures));
  else console.table(figures);
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** The value that 95 of 100 do not exceed. */
export function p95(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.95) - 1] as number;
}
