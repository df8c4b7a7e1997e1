using MambaExt.KernelCheck.Work;
using MambaExt.Kernels;
using MambaExt.Kernels.Cuda;

namespace MambaExt.KernelCheck;

/// <summary>
/// <c>repeat</c>: outputs and gradients are the same bits in every run, whatever lay in their memory and in the workspace. Each operator in
/// each of its forms, with a grid that leaves most of the GPU idle and with one of several waves. Then the same numbers in two grids: a batch entry alone
/// and among others, rows of a graph alone and before others.
/// </summary>
internal static class Repeat
{
    private const int Times = 5;

    /// <summary>Shapes on both sides of every switch of forms, small and large grids.</summary>
    public static IReadOnlyList<WorkCase> Cases { get; } =
    [
        new ScanRun(1, 2048, 64, 16), new ScanRun(2, 1024, 1536, 16), new ScanRun(3, 1024, 1536, 16), new ScanRun(32, 200, 1536, 16), new ScanRun(2, 33, 32, 16), new ScanRun(2, 500, 96, 64),
        new ConvRun(1, 100, 64, 4), new ConvRun(8, 2048, 1536, 4), new SsdRun(1, 512, 4, 64, 64), new SsdRun(8, 1024, 24, 64, 128), new CsrRun(200, 1_000, 8), new CsrRun(20_000, 200_000, 64),
        new ArcRun(200, 1_000, 8), new ArcRun(20_000, 200_000, 64),
    ];

    /// <summary>Shapes whose first entry is the shape beside it, computed in the same form: for the Mamba-2 scan in a block a chunk and in one that walks over
    /// all. What a shape draws begins with the same numbers whatever its batch is.</summary>
    public static IReadOnlyList<(WorkCase Many, WorkCase One)> Grids { get; } =
    [
        (new ScanRun(8, 512, 1536, 16), new ScanRun(1, 512, 1536, 16)), (new ScanRun(64, 100, 256, 64), new ScanRun(3, 100, 256, 64)),
        (new ConvRun(8, 1000, 1536, 4), new ConvRun(1, 1000, 1536, 4)), (new SsdRun(8, 1024, 24, 64, 128), new SsdRun(1, 1024, 24, 64, 128)),
        (new CsrRun(20_000, 200_000, 64), new CsrRun(20_000, 200_000, 64, Rows: 500)), (new CsrRun(20_000, 200_000, 8), new CsrRun(20_000, 200_000, 8, Rows: 500)),
    ];

    /// <summary>Results of the first entry in two grids.</summary>
    public static void Compare(GpuDevice device, IReadOnlyList<(WorkCase Many, WorkCase One)> cases, CheckRecord record)
    {
        foreach (var (many, one) in cases)
        {
            Compare<float>(device, many, one, record);
            Compare<BFloat16>(device, many, one, record);
        }
    }

    public static void Run(GpuDevice device, IReadOnlyList<WorkCase> cases, CheckRecord record)
    {
        foreach (WorkCase one in cases)
        {
            Run<float>(device, one, record);
            Run<BFloat16>(device, one, record);
        }
    }

    private static void Compare<T>(GpuDevice device, WorkCase many, WorkCase one, CheckRecord record)
        where T : unmanaged
    {
        using IKernelWork all = many.OnGpu<T>(device), alone = one.OnGpu<T>(device);
        foreach (IKernelWork work in new[] { all, alone })
        {
            work.Spoil(0xFF);
            work.Forward();
            work.Backward();
        }

        string[] names = [.. alone.Results.Where(alone.OfEntries).Select(result => result.Name)];
        string? different = names.FirstOrDefault(name => !Bytes(all, name).AsSpan().StartsWith(Bytes(alone, name)));
        record.Check(
            different is null && names.Length > 0, $"{all.Name,-32} {all.Type,-9} beside {alone.Name}: {(different is null ? $"the same bits in {string.Join(", ", names)}" : $"{different} differs")}",
            ("kind", "grids"), ("case", all.Name), ("alone", alone.Name), ("dtype", all.Type), ("device", device.Name), ("different", different));

        static byte[] Bytes(IKernelWork work, string name) => work.ReadBytes(work.Results.Single(result => result.Name == name));
    }

    private static void Run<T>(GpuDevice device, WorkCase one, CheckRecord record)
        where T : unmanaged
    {
        using IKernelWork work = one.OnGpu<T>(device);
        byte[][]? first = null;
        string? different = null;
        for (int i = 0; i < Times && different is null; i++)
        {
            work.Spoil((byte)(0xFF - i));
            work.Forward();
            work.Backward();
            byte[][] now = [.. work.Results.Select(work.ReadBytes)];
            first ??= now;
            different = first.Zip(now).Select((pair, k) => pair.First.AsSpan().SequenceEqual(pair.Second) ? null : work.Results[k].Name).FirstOrDefault(name => name is not null);
        }

        record.Check(
            different is null, $"{work.Name,-32} {work.Type,-9} {Times} runs, {(different is null ? "the same bits" : $"{different} differs")}",
            ("kind", "repeat"), ("case", work.Name), ("dtype", work.Type), ("device", device.Name), ("runs", Times), ("different", different));
    }
}
