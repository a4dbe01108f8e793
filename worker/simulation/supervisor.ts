import { WorkerProcess, type Doom } from "./workerProcess.ts";
import type { World } from "./world.ts";

/** Keeps a worker running, as `slipway up` does, and lets a second one come, as nobody should. */
export class Supervisor {
  readonly processes = new Set<WorkerProcess>();
  /** How the next processes die, in their order. */
  private dooms: Doom[] = [];
  private count = 0;
  private due = false;

  constructor(private readonly world: World) {}

  /** @param dooms one for each of the first processes; those after them live on */
  begin(dooms: Doom[]): void {
    this.dooms = [...dooms];
    this.start();
  }

  /** Another worker takes the host while one is there. */
  rival(): void {
    this.start();
  }

  crash(): void {
    const [first] = this.processes;
    first?.end("killed");
  }

  calm(): void {
    this.dooms = [];
    for (const process of this.processes) process.forgiveDoom();
  }

  private start(): void {
    this.due = false;
    this.count += 1;
    const process: WorkerProcess = new WorkerProcess(
      this.world,
      `worker ${this.count}`,
      this.dooms.shift() ?? null,
      () => this.ended(process),
    );
    this.processes.add(process);
    this.world.story.tell(process.name, () => "begins");
    void process.begin();
  }

  private ended(process: WorkerProcess): void {
    this.processes.delete(process);
    for (const lost of [...(process.engine?.streams ?? [])]) lost();
    if (this.processes.size > 0 || this.due) return;
    this.due = true;
    this.world.time.after(this.world.random.between(200, 8_000), () => this.start());
  }
}
