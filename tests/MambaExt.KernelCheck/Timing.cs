using System.Diagnostics;
using MambaExt.Kernels.Cuda;

namespace MambaExt.KernelCheck;

/// <summary>Milliseconds of queued work: by the events of a GPU, or by the clock where work is done when its call returns.</summary>
internal sealed class Timing(GpuDevice device) : IDisposable
{
    // So many calls are queued at once that the device does not wait for the CPU while it is timed.
    private const double Least = 2;
    private const int MostCalls = 64;
    private readonly GpuTimer? _timer = (device as CudaDevice)?.CreateTimer();

    /// <summary>The median over the rounds, and the least, of a call; each round times so many calls in a row that it lasts 2 ms.</summary>
    /// <param name="call">Queues the work; its argument counts up, to turn through several sets of arrays</param>
    /// <param name="rounds">Rounds that are timed, behind three that are not</param>
    public (double Median, double Best) Run(Action<int> call, int rounds)
    {
        int at = 0;
        Once(1);
        int calls = (int)Math.Clamp(Math.Ceiling(Least / Math.Max(Once(1), 1e-3)), 1, MostCalls);
        Once(calls);
        double[] times = [.. Enumerable.Range(0, rounds).Select(_ => Once(calls) / calls).Order()];
        return ((times[(rounds - 1) / 2] + times[rounds / 2]) / 2, times[0]);

        double Once(int count)
        {
            device.Synchronize();
            long start = Stopwatch.GetTimestamp();
            _timer?.Start();
            for (int i = 0; i < count; i++)
            {
                call(at++);
            }

            _timer?.Stop();
            device.Synchronize();
            return _timer?.Milliseconds() ?? Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
    }

    public void Dispose() => _timer?.Dispose();
}
