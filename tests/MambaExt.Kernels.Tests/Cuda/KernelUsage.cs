using System.Globalization;
using System.Text.RegularExpressions;

namespace MambaExt.Kernels.Tests.Cuda;

/// <summary>What a kernel takes of a GPU, from the log of the assembler.</summary>
internal sealed partial record KernelUsage(int Registers, int StackBytes, int SpillStores, int SpillLoads, int SharedBytes)
{
    /// <summary>Bytes that a thread moves out of registers and back.</summary>
    public int Spilled => SpillStores + SpillLoads;

    /// <summary>Of a log that holds one kernel.</summary>
    public static KernelUsage Parse(string log)
    {
        Match used = Used().Match(log), spills = Spills().Match(log), shared = Shared().Match(log);
        Xunit.Assert.True(used.Success && spills.Success, $"The assembler's log is not understood: {log}");
        return new(Number(used, 1), Number(spills, 1), Number(spills, 2), Number(spills, 3), shared.Success ? Number(shared, 1) : 0);
    }

    private static int Number(Match match, int group) => int.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"Used (\d+) registers")]
    private static partial Regex Used();

    [GeneratedRegex(@"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")]
    private static partial Regex Spills();

    [GeneratedRegex(@"(\d+) bytes smem")]
    private static partial Regex Shared();
}
