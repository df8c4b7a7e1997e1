using System.Runtime.CompilerServices;
using MambaExt.Native;
using static TorchSharp.torch;

namespace MambaExt.Tests.Shared;

/// <summary>Counts what stays alive.</summary>
internal static class LeakCheck
{
    /// <summary>Live tensors after a full collection.</summary>
    public static long LiveTensors()
    {
        GradientKeeper.Release();
        Collect();
        return Tensor.TotalCount;
    }

    /// <summary>Collects until finalizers that release further objects have had their turn too.</summary>
    public static void Collect()
    {
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    /// <summary>Bytes of memory that this process has resident.</summary>
    public static long Resident()
    {
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        return process.WorkingSet64;
    }

    /// <summary>Runs <paramref name="action"/> and asserts that it leaves no tensor alive.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void LeavesNothing(Action action)
    {
        action();
        long before = LiveTensors();
        action();
        Xunit.Assert.Equal(before, LiveTensors());
    }
}
