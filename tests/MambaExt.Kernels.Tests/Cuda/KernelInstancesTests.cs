using System.Diagnostics;
using MambaExt.Kernels.Cuda;
using Xunit;

namespace MambaExt.Kernels.Tests.Cuda;

/// <summary>Every kernel that a launcher can name compiles for the GPUs of two generations, and what it takes of them is bounded.</summary>
public sealed class KernelInstancesTests(ITestOutputHelper output)
{
    public static TheoryData<string, int> SourcesAndGpus => [.. from source in KernelSource.All from gpu in new[] { 80, 90 } select (source.Name, gpu)];

    [Theory]
    [MemberData(nameof(SourcesAndGpus))]
    public void EveryInstanceCompilesWithinItsRegisters(string name, int gpu)
    {
        NvrtcLibrary compiler = Nvrtc.OrSkip();
        KernelSource source = KernelSource.All.Single(one => one.Name == name);
        string[] instances = [.. KernelInstances.Of(source)];
        Assert.NotEmpty(instances);
        var compiled = new (KernelUsage Usage, double Milliseconds, string Log)[instances.Length];
        Parallel.For(0, instances.Length, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, i =>
        {
            long start = Stopwatch.GetTimestamp();
            string log = compiler.Compile(source, instances[i], new(gpu, IsPtx: false)).Log;
            compiled[i] = (KernelUsage.Parse(log), Stopwatch.GetElapsedTime(start).TotalMilliseconds, log);
        });
        output.WriteLine($"{name}, sm_{gpu}, {compiler.Description}");
        output.WriteLine("registers  stack  spilled  shared  compiled  instance");
        for (int i = 0; i < instances.Length; i++)
        {
            (KernelUsage usage, double milliseconds, _) = compiled[i];
            output.WriteLine($"{usage.Registers,9}  {usage.StackBytes,5}  {usage.SpillStores + usage.SpillLoads,7}  {usage.SharedBytes,6}  {milliseconds,5:0} ms  {instances[i]}");
        }

        Assert.All(Enumerable.Range(0, instances.Length), i =>
        {
            Assert.DoesNotContain("warning", compiled[i].Log, StringComparison.OrdinalIgnoreCase);
            Assert.True(compiled[i].Usage.SpillStores + compiled[i].Usage.SpillLoads == 0, $"{instances[i]} spills: {compiled[i].Usage}");
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
            Assert.Contains($"The GPU kernels of {source.Name} have no instance no_such<float>; allowed are ", message, StringComparison.Ordinal);
        }

        KernelInstances.Require(KernelSource.FromText("own.cu", ""), "anything");
    }
}
