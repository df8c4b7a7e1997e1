using System.Diagnostics;
using MambaExt.KernelCheck.Work;
using MambaExt.Kernels.Cuda;
using Xunit;

namespace MambaExt.Kernels.Tests.Cuda;

/// <summary>What a first training step compiles: all it needs side by side, and little else.</summary>
public sealed class FirstStepTests(ITestOutputHelper output)
{
    // Each has what its operator does only for large shapes: parts of B's gradient, splits of a group's heads, states joined between chunks.
    private static readonly Dictionary<string, WorkCase[]> Steps = new()
    {
        ["convolution and scan"] = [new ConvRun(8, 300, 768, 4), new ScanRun(8, 300, 768, 16)],
        ["scan in segments"] = [new ScanRun(1, 2048, 1536, 16)],
        ["convolution and Mamba-2"] = [new ConvRun(1, 2048, 1792, 4), new SsdRun(1, 2048, 24, 64, 128)],
        ["sums over arcs"] = [new CsrRun(300, 200, 64)],
        ["sums over many arcs"] = [new CsrRun(300, 2000, 64)],
        ["attention and gates"] = [new ArcRun(300, 200, 64)],
        ["attention and gates over many arcs"] = [new ArcRun(300, 2000, 64)],
    };

    public static TheoryData<string> Names => [.. Steps.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void AnOperatorsFirstKernelTellsTheOthers(string name)
    {
        All<float>(name);
        All<BFloat16>(name);
        All<double>(name);

        // Long rows are cut first.
        static bool Launches(string name) => name.EndsWith("many arcs", StringComparison.Ordinal);

        static void All<T>(string name)
            where T : unmanaged
        {
            (KernelSource Source, string Instance)[] launched = Launched<T>(name);
            HashSet<(KernelSource, string)> expected = [];
            List<string> surprises = [];
            foreach (var (source, instance) in launched)
            {
                if (!expected.Contains((source, instance)))
                {
                    surprises.Add(instance);
                }

                foreach (string next in KernelInstances.After(source, instance))
                {
                    expected.Add((source, next));
                }
            }

            // Doubles have no plain instance, and a graph has three sums or five other operators here, each with a first kernel of its own (the spread expects the sum).
            int operators = name.StartsWith("sums", StringComparison.Ordinal) ? 3 : !name.StartsWith("attention", StringComparison.Ordinal) ? Steps[name].Length : Launches(name) ? 5 : 4;
            Assert.True(operators == surprises.Count, $"{name}, {typeof(T).Name}: {string.Join(", ", surprises)}");
            Assert.Subset(launched.ToHashSet(), expected);
        }
    }

    [Fact]
    public void NothingIsExpectedThatIsNoInstance()
    {
        foreach (var (source, instance) in KernelInstances.All)
        {
            Assert.Subset(KernelInstances.Of(source).ToHashSet(), KernelInstances.After(source, instance).ToHashSet());
            Assert.DoesNotContain(instance, KernelInstances.After(source, instance));
        }
    }

    [Fact]
    public void ImagesAreTheSameWhoeverCompilesThemAndWhatItTakesIsPrinted()
    {
        NvrtcLibrary compiler = Nvrtc.OrSkip();
        foreach (string name in new[] { "convolution and scan", "sums over arcs" })
        {
            (KernelSource Source, string Instance)[] step = Launched<BFloat16>(name);
            CubinCache alone = new(null, compiler), together = new(null, compiler);
            compiler.Compile(KernelSource.CausalConv1d, "conv_sums<double>", FakeCompiler.Sm90);
            long start = Stopwatch.GetTimestamp();
            CompiledKernel[] first = [.. step.Select(one => alone.Get(one.Source, one.Instance, FakeCompiler.Sm90))];
            double oneThread = Stopwatch.GetElapsedTime(start).TotalSeconds;
            start = Stopwatch.GetTimestamp();
            CompiledKernel[] second = [.. step.Select(one =>
            {
                together.Expect(one.Source, KernelInstances.After(one.Source, one.Instance), FakeCompiler.Sm90);
                return together.Get(one.Source, one.Instance, FakeCompiler.Sm90);
            })];
            output.WriteLine($"{name}, {compiler.Description}, {step.Length} kernels: {oneThread:f1} s on one thread, {Stopwatch.GetElapsedTime(start).TotalSeconds:f1} s on {Environment.ProcessorCount}");
            Assert.All(first.Zip(second), pair => Assert.Equal((pair.First.Symbol, Convert.ToHexString(pair.First.Image)), (pair.Second.Symbol, Convert.ToHexString(pair.Second.Image))));
        }
    }

    private static (KernelSource Source, string Instance)[] Launched<T>(string name)
        where T : unmanaged
    {
        RecordingGpu gpu = new();
        IKernelWork[] works = [.. Steps[name].Select(one => one.OnGpu<T>(gpu))];
        Array.ForEach(works, work => work.Forward());
        Array.ForEach(works, work => work.Backward());
        Array.ForEach(works, work => work.Dispose());
        return [.. gpu.Launched];
    }
}
