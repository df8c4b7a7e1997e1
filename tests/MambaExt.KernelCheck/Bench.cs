using MambaExt.KernelCheck.Work;
using MambaExt.Kernels;
using MambaExt.Kernels.Cuda;

namespace MambaExt.KernelCheck;

/// <summary>
/// <c>bench</c>: forward and backward of every operator against the bytes it must move at the speed of a copy, the exponentials it must
/// compute at 16 a clock and multiprocessor, the products it must form at 128 multiply-adds, and what its source issues at 128 lanes. The largest
/// of these is the bound; all are printed. Arrays larger than the cache in all are used in turn.
/// </summary>
internal static class Bench
{
    // Several times the largest second-level cache.
    private const long Rotation = 256L << 20;
    private const int MostSets = 32;
    private const int Rounds = 25;

    /// <summary>The shape of the bars.</summary>
    public static readonly WorkCase Main = new ScanRun(8, 2048, 1536, 16);

    private static readonly WorkCase[] Both =
    [
        Main, new ScanRun(8, 2048, 1536, 16, Gated: false), new ScanRun(1, 2048, 1536, 16), new ScanRun(8, 512, 256, 16),
        new ScanRun(1, 16_384, 64, 16), new ScanRun(10_000, 17, 64, 16), new ScanRun(8, 2048, 1536, 64), new ConvRun(8, 2048, 1536, 4), new SsdRun(8, 2048, 24, 64, 128),
    ];

    private static readonly WorkCase[] Single = [new SsdRun(1, 2048, 24, 64, 128), new CsrRun(100_000, 1_000_000, 64), new ArcRun(100_000, 1_000_000, 64)];

    /// <summary>What an H100 is to reach, in milliseconds; no bar for other GPUs.</summary>
    private static readonly Dictionary<(WorkCase, string), (double Forward, double Backward)> Bars = new()
    {
        [(Main, "float32")] = (0.27, 0.85),
        [(Main, "bfloat16")] = (0.22, 0.75),
    };

    public static void Run(CudaDevice device, CheckRecord record)
    {
        double bandwidth = CopyKernel.BytesPerSecond(device, 1L << 30, Rounds), clocks = 1e6 * device.ClockMegahertz * device.Multiprocessors;
        record.Note(
            $"{device.Name}, {device.Target}, {device.Multiprocessors} multiprocessors at {device.ClockMegahertz} MHz, copy {bandwidth / 1e12:f2} TB/s",
            ("kind", "device"), ("device", device.Name), ("target", device.Target), ("multiprocessors", device.Multiprocessors), ("clock_mhz", device.ClockMegahertz), ("copy_bytes_per_second", bandwidth));
        foreach (WorkCase one in Both)
        {
            Run<float>(device, one, new Speeds(bandwidth, clocks), Rounds, record);
            Run<BFloat16>(device, one, new Speeds(bandwidth, clocks), Rounds, record);
        }

        foreach (WorkCase one in Single)
        {
            Run<float>(device, one, new Speeds(bandwidth, clocks), Rounds, record);
        }
    }

    /// <summary>Times a shape in an element type.</summary>
    internal static void Run<T>(GpuDevice device, WorkCase one, Speeds speeds, int rounds, CheckRecord record)
        where T : unmanaged
    {
        var sets = new List<IKernelWork>();
        try
        {
            do
            {
                sets.Add(one.OnGpu<T>(device));
            }
            while (sets.Sum(s => s.Bytes) < Rotation && sets.Count < MostSets && device is CudaDevice);

            using var timing = new Timing(device);
            sets.ForEach(s => s.Forward());
            IKernelWork first = sets[0];
            bool judged = Bars.TryGetValue((one, first.Type), out var bar) && device.Name.Contains("H100", StringComparison.Ordinal);
            Pass("forward", timing.Run(i => sets[i % sets.Count].Forward(), rounds), first.ForwardFloor, judged ? bar.Forward : null);
            Pass("backward", timing.Run(i => sets[i % sets.Count].Backward(), rounds), first.BackwardFloor, judged ? bar.Backward : null);

            void Pass(string pass, (double Median, double Best) time, KernelFloor floor, double? limit)
            {
                var (least, bound) = speeds.Floor(floor);
                string line = $"{first.Name,-32} {first.Type,-9} {pass,-9} {time.Median,9:f4} ms  best {time.Best,9:f4}  {bound} floor {least,8:f4}  x {time.Median / least:f2}  ({speeds.Text(floor)})";
                (string, object?)[] fields =
                [
                    ("kind", "bench"), ("case", first.Name), ("dtype", first.Type), ("pass", pass), ("device", device.Name), ("median_ms", time.Median), ("best_ms", time.Best),
                    ("floor_ms", least), ("floor_bound", bound), ("floor_bytes", floor.Bytes), ("floor_exponentials", floor.Exponentials), ("floor_flops", floor.Flops), ("floor_instructions", floor.Instructions),
                    ("bar_ms", limit), ("sets", sets.Count),
                ];
                if (limit is null)
                {
                    record.Note($"      {line}", fields);
                }
                else
                {
                    record.Check(time.Median <= limit, $"{line}  bar {limit:f2}", fields);
                }
            }
        }
        finally
        {
            sets.ForEach(s => s.Dispose());
        }
    }

    /// <summary>What a device does in a second.</summary>
    /// <param name="Bytes">Copied, reading and writing counted</param>
    /// <param name="Clocks">Of all multiprocessors together</param>
    internal readonly record struct Speeds(double Bytes, double Clocks)
    {
        /// <summary>The least milliseconds and what takes them.</summary>
        public (double Milliseconds, string Bound) Floor(KernelFloor floor)
        {
            return All(floor).MaxBy(f => f.Milliseconds);
        }

        /// <summary>Each of the floors that there are.</summary>
        public string Text(KernelFloor floor) => string.Join(", ", All(floor).Where(f => f.Milliseconds > 0).Select(f => $"{f.Bound} {f.Milliseconds:f3}"));

        private (double Milliseconds, string Bound)[] All(KernelFloor floor) =>
        [
            (1e3 * floor.Bytes / Bytes, "memory"), (1e3 * floor.Exponentials / (16 * Clocks), "exp"), (1e3 * floor.Flops / (256 * Clocks), "float32 flop"),
            (1e3 * floor.Instructions / (128 * Clocks), "issue"),
        ];
    }
}
