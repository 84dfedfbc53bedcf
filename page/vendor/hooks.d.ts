import type { Dispatch, StateUpdater } from "preact/hooks";
export * from "preact/hooks";
export function useState(initial: null): [any, (next: any) => void];
export function useState(initial: never[]): [any[], (next: any[]) => void];
export function useState<S>(initial: S | (() => S)): [S, Dispatch<StateUpdater<S>>];
export function useRef(initial: null): { current: any };
export function useRef<T>(initial: T): { current: T };
