using MambaExt.KernelCheck.Work;
using MambaExt.Kernels;
using MambaExt.Kernels.Cuda;

namespace MambaExt.KernelCheck;

/// <summary>
/// <c>repeat</c>: outputs and gradients are the same bits in every run, whatever lay in their memory and in the workspace. Each operator in
/// each of its forms, with a grid that leaves most of the GPU idle and with one of several waves.
/// </summary>
internal static class Repeat
{
    private const int Times = 5;

    /// <summary>Shapes on both sides of every switch of forms, small and large grids.</summary>
    public static IReadOnlyList<WorkCase> Cases { get; } =
    [
        new ScanRun(1, 2048, 64, 16), new ScanRun(2, 1024, 1536, 16), new ScanRun(3, 1024, 1536, 16), new ScanRun(32, 200, 1536, 16), new ScanRun(2, 33, 32, 16), new ScanRun(2, 500, 96, 64),
        new ConvRun(1, 100, 64, 4), new ConvRun(8, 2048, 1536, 4), new SsdRun(1, 512, 4, 64, 64), new SsdRun(8, 1024, 24, 64, 128), new CsrRun(200, 1_000, 8), new CsrRun(20_000, 200_000, 64),
    ];

    public static void Run(GpuDevice device, IReadOnlyList<WorkCase> cases, CheckRecord record)
    {
        foreach (WorkCase one in cases)
        {
            Run<float>(device, one, record);
            Run<BFloat16>(device, one, record);
        }
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
