// Who is signed in, for every screen: what one may not do is not shown. The server refuses it all the same.
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Me } from '../contract.ts';

export const MeContext = createContext<Me | undefined>(undefined);
export const useMe = (): Me => useContext(MeContext)!;
export type Act = Me['may'][number];
export const useMay = (): ((act: Act) => boolean) => {
  const { may } = useMe();
  return (act) => may.includes(act);
};
