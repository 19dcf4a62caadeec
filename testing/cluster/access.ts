import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ControlPlane } from '../control-plane/control-plane.ts';
import { kubeconfig } from '../control-plane/kubeconfig.ts';
import type { ClusterPrograms } from './programs.ts';

/** The inputs of each daemon of a cluster. */
export interface ClusterParts {
  readonly plane: ControlPlane;
  readonly programs: ClusterPrograms;
  /** For its configuration and its log. */
  readonly folder: string;
}

/** A file with which a part of the cluster finds the API server, as this user. */
export async function accessFor({ plane, folder }: Omit<ClusterParts, 'programs'>, user: string): Promise<string> {
  const file = join(folder, `${user.replaceAll(':', '-')}.kubeconfig`);
  const client = await plane.pki.client(user);
  await writeFile(file, kubeconfig(plane.server, plane.pki.authority.cert, client), { mode: 0o600 });
  return file;
}
