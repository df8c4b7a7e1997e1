using MambaExt.Kernels.Cuda;
using Xunit;

namespace MambaExt.Kernels.Tests.Cuda;

/// <summary>Every kernel that a launcher can name compiles for the GPUs of two generations, and what it takes of them is bounded.</summary>
public sealed class KernelInstancesTests(ITestOutputHelper output)
{
    // Compiling all takes minutes of a processor, so a machine does it once for a state of the sources.
    private static readonly string Folder = Path.Combine(Path.GetTempPath(), $"mambaext-kernels-{Environment.UserName}");

    public static TheoryData<string, int> SourcesAndGpus => [.. from source in KernelSource.All from gpu in new[] { 80, 90 } select (source.Name, gpu)];

    [Theory]
    [MemberData(nameof(SourcesAndGpus))]
    public void EveryInstanceCompilesWithinItsRegisters(string name, int gpu)
    {
        NvrtcLibrary compiler = Nvrtc.OrSkip();
        CubinCache cache = new(Folder, compiler);
        KernelSource source = KernelSource.All.Single(one => one.Name == name);
        string[] instances = [.. KernelInstances.Of(source)];
        Assert.NotEmpty(instances);
        string[] logs = new string[instances.Length];
        Parallel.For(0, instances.Length, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, i =>
            logs[i] = cache.Get(source, instances[i], new(gpu, IsPtx: false)).Log);
        KernelUsage[] usages = [.. logs.Select(KernelUsage.Parse)];
        output.WriteLine($"{name}, sm_{gpu}, {compiler.Description}{Environment.NewLine}registers  stack  spilled  shared  instance{Environment.NewLine}"
            + string.Join(Environment.NewLine, usages.Zip(instances, (usage, instance) => $"{usage.Registers,9}  {usage.StackBytes,5}  {usage.Spilled,7}  {usage.SharedBytes,6}  {instance}")));

        Assert.All(instances.Index(), one =>
        {
            Assert.DoesNotContain("warning", logs[one.Index], StringComparison.OrdinalIgnoreCase);
            (int registers, int spilled) = Most(one.Item, gpu);
            Assert.True(usages[one.Index].Registers <= registers && usages[one.Index].Spilled <= spilled, $"{one.Item}: {usages[one.Index]}, allowed are {registers} registers and {spilled} bytes spilled");
        });
    }

    [Fact]
    public void NoInstanceIsListedTwice() =>
        Assert.Equal(KernelInstances.All.Distinct().Count(), KernelInstances.All.Count());

    [Fact]
    public void AnInstanceThatIsNotListedIsRefusedBeforeItIsCompiled()
    {
        foreach (KernelSource source in KernelSource.All)
        {
            string message = Assert.Throws<CudaException>(() => KernelInstances.Require(source, "no_such<float>")).Message;
            Assert.Contains($"The GPU kernels of {source.Name} have no instance no_such<float>, which is a mistake of this library: report it", message, StringComparison.Ordinal);
        }

        KernelInstances.Require(KernelSource.FromText("own.cu", ""), "anything");
    }

    // The scan with N = 16 in float and bfloat16 is what every figure is about: on the GPUs of the figures nothing is spilled there, in any form, and the
    // registers of the plain form let three blocks of 128 threads share a multiprocessor, four forward. Elsewhere a few values may be spilled, and
    // doubles take two registers each.
    private static (int Registers, int Spilled) Most(string instance, int gpu) => instance switch
    {
        "scan_forward<true, float, 4, 4>" or "scan_forward<true, bf16, 4, 4>" => (128, 0),
        "scan_backward<true, float, 4, 4>" or "scan_backward<true, bf16, 4, 4>" => (168, 0),
        "scan_forward<false, float, 4, 4>" or "scan_forward<false, bf16, 4, 4>" => (168, gpu >= 90 ? 0 : 64),
        "scan_backward<false, float, 4, 4>" or "scan_backward<false, bf16, 4, 4>" => (255, 0),
        "scan_ends<float, 4, 4>" or "scan_ends<bf16, 4, 4>" => (128, 0),
        _ when instance.StartsWith("scan_", StringComparison.Ordinal) && !instance.Contains("double", StringComparison.Ordinal) => (255, gpu >= 90 ? 0 : 64),
        _ when instance.StartsWith("ssd_", StringComparison.Ordinal) && !instance.Contains("double", StringComparison.Ordinal) => (128, 128),
        _ => (255, instance.Contains("double", StringComparison.Ordinal) ? 768 : 64),
    };
}
