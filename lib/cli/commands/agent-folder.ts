/** The agent's folder, for commands that look at its settings or change them. */
import { resolve } from 'node:path';
import type { AgentConfiguration } from '../../agent/agent-configuration.ts';
import type { AgentFolder } from '../../agent/agent-folder.ts';
import { KeyStoreError } from '../../errors.ts';
import type { CommandContext } from '../context.ts';

export interface FolderOption {
  readonly folder?: string;
}

/** Of an agent that was started once, or that is to be. */
export async function agentFolderOf({
  options,
}: CommandContext<FolderOption>): Promise<AgentFolder> {
  const { AgentFolder: Folder } = await import('../../agent/agent-folder.ts');
  const { defaultAgentFolder } = await import('../../platform/folders.ts');
  return new Folder(resolve(options.folder ?? defaultAgentFolder()));
}

/** @throws KeyStoreError HOME_NOT_FOUND where no agent was ever started with it. */
export async function openAgentFolder(
  context: CommandContext<FolderOption>,
): Promise<{ readonly folder: AgentFolder; readonly configuration: AgentConfiguration }> {
  const { readConfiguration } = await import('../../agent/agent-configuration.ts');
  const folder = await agentFolderOf(context);
  const configuration = await readConfiguration(folder);
  if (!configuration)
    throw new KeyStoreError('HOME_NOT_FOUND', `there is no agent.json in ${folder.path}`, {
      hint: 'Start the agent once (`keycask agent start`), or say where it is with --folder. That of an installed agent is /var/lib/keycask-agent, which root may look at.',
    });
  return { folder, configuration };
}
