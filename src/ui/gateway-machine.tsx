/** The machine a gateway runs on, as it reported it. */
import { bytes, percent } from './format.ts';
import { Empty, Meter, Panel, Time } from './parts.tsx';
import { type Disk, readMachine } from './reports.ts';
import type { GatewayDetail } from './types.ts';

const FULL_PERCENT = 90;
/** File systems that hold nothing for long. */
const PASSING = /^(tmpfs|devtmpfs|udev|none|shm|overlay-tmp|efivarfs)$/;

export function GatewayMachine({ gateway }: { gateway: GatewayDetail }) {
  const report = gateway.reports['device_info'];
  if (report === undefined || report.value === '') {
    return (
      <Panel title="Machine">
        <Empty title="It has reported nothing about itself yet." />
      </Panel>
    );
  }
  const machine = readMachine(report.value);
  const disks = machine.disks.filter(({ filesystem }) => !PASSING.test(filesystem));
  return (
    <Panel title="Machine" actions={<Time at={report.updated} />}>
      {machine.uname !== '' && <p class="mono uname">{machine.uname}</p>}
      <dl class="usage">
        {machine.memory !== undefined && (
          <Share name="Memory" used={machine.memory.used_bytes} of={machine.memory.total_bytes} />
        )}
        {disks.map((disk) => (
          <Share key={disk.mounted} name={nameOf(disk)} used={disk.used_bytes} of={disk.size_bytes} />
        ))}
      </dl>
      {machine.addresses.length > 0 && (
        <dl class="addresses">
          {machine.addresses.map(({ name, addresses }) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd class="mono">{addresses.join(' ')}</dd>
            </div>
          ))}
        </dl>
      )}
      <details>
        <summary>As reported</summary>
        {Object.entries(machine.raw).map(([name, text]) => (
          <pre key={name} tabIndex={0} role="region" aria-label={name}>
            {text}
          </pre>
        ))}
      </details>
    </Panel>
  );
}

const nameOf = ({ mounted }: Disk) => (mounted === '/' ? 'Disk /' : mounted);

function Share({ name, used, of }: { name: string; used: number; of: number }) {
  const share = percent(used, of);
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <Meter
          part={used / of}
          tone={share >= FULL_PERCENT ? 'bad' : ''}
          label={`${name}: ${share} % used`}
        />
        <span class="num">
          {bytes(used)} of {bytes(of)}, {share} %{share >= FULL_PERCENT && ', nearly full'}
        </span>
      </dd>
    </div>
  );
}
