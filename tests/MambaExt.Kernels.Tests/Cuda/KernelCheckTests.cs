using System.Text;
using System.Text.Json;
using MambaExt.KernelCheck;
using MambaExt.KernelCheck.Work;
using MambaExt.Kernels.Cuda;
using MambaExt.Tests.Shared;

namespace MambaExt.Kernels.Tests.Cuda;

/// <summary>What <c>MambaExt.KernelCheck</c> does on a GPU, on the emulated one and in small shapes.</summary>
public class KernelCheckTests
{
    public static TheoryData<string> Operators => ["scan", "conv", "ssd", "csr", "arcs"];

    [Theory]
    [MemberData(nameof(Operators))]
    public void A_shape_agrees_with_the_cpu(string name)
    {
        using EmulatedGpu gpu = Emulated.Gpu();
        var (record, text, _) = Recorder();
        Verify.Large(gpu, Small(name), record);
        Assert.True(record.Passed == 1, text.ToString());
    }

    [Theory]
    [MemberData(nameof(Operators))]
    public void Runs_are_the_same_bits(string name)
    {
        using EmulatedGpu gpu = Emulated.Gpu();
        var (record, text, json) = Recorder();
        Repeat.Run(gpu, [Small(name)], record);
        Assert.True(record is { Passed: 2, Failed: 0 }, text.ToString());
        Assert.Equal(["float32", "bfloat16"], Lines(json).Select(line => line.GetProperty("dtype").GetString()));
    }

    [Theory]
    [MemberData(nameof(Operators))]
    public void Times_stand_beside_a_floor(string name)
    {
        using EmulatedGpu gpu = Emulated.Gpu();
        var (record, _, json) = Recorder();
        Bench.Run<BFloat16>(gpu, Small(name), new Bench.Speeds(1e9, 1e9), 1, record);
        JsonElement[] lines = [.. Lines(json)];
        Assert.Equal(["forward", "backward"], lines.Select(line => line.GetProperty("pass").GetString()));
        Assert.All(lines, line => Assert.True(line.GetProperty("median_ms").GetDouble() > 0 && line.GetProperty("floor_ms").GetDouble() > 0));
    }

    [Fact]
    public void Repeated_scans_lie_on_both_sides_of_the_switch_of_forms()
    {
        (long Segments, long Blocks)[] plans = [.. Repeat.Cases.OfType<ScanRun>().Select(c => (new CudaScanPlan(c.Shape).Segments, c.B * new CudaScanPlan(c.Shape).Blocks * new CudaScanPlan(c.Shape).Segments))];
        Assert.Contains(plans, p => p.Segments == 1 && p.Blocks < 132);
        Assert.Contains(plans, p => p.Segments == 1 && p.Blocks > 4 * 132);
        Assert.Contains(plans, p => p.Segments > 1 && p.Blocks < 132);
        Assert.Contains(plans, p => p.Segments > 1 && p.Blocks > 2 * 132);
    }

    /// <summary>A batch entry and the first rows of a graph, alone and among others; of another form, a scan would round otherwise.</summary>
    [Fact]
    public void The_same_numbers_in_two_grids_are_the_same_bits()
    {
        using EmulatedGpu gpu = Emulated.Gpu();
        var (record, text, json) = Recorder();
        Repeat.Compare(
            gpu,
            [
                (new ScanRun(3, 70, 40, 16), new ScanRun(1, 70, 40, 16)), (new ConvRun(3, 70, 40, 4), new ConvRun(1, 70, 40, 4)), (new SsdRun(64, 70, 4, 2, 3), new SsdRun(1, 70, 4, 2, 3)),
                (new CsrRun(600, 60_000, 5), new CsrRun(600, 60_000, 5, Rows: 40)),
            ],
            record);
        Assert.True(record is { Passed: 8, Failed: 0 }, text.ToString());
        Repeat.Compare(gpu, [(new ConvRun(3, 70, 40, 4), new ConvRun(1, 70, 40, 3))], record);
        Assert.True(record is { Passed: 8, Failed: 2 }, text.ToString());
        Assert.Equal(10, Lines(json).Count(line => line.GetProperty("kind").GetString() == "grids"));
    }

    [Fact]
    public void Grids_differ_in_nothing_but_their_size()
    {
        foreach (var (many, one) in Repeat.Grids.Where(pair => pair.Many is ScanRun).Select(pair => ((ScanRun)pair.Many, (ScanRun)pair.One)))
        {
            Assert.Equal(new CudaScanPlan(many.Shape).Segments, new CudaScanPlan(one.Shape).Segments);
            Assert.True(many.B > 4 * one.B);
        }

        Assert.Contains(Repeat.Grids, pair => pair is (SsdRun many, SsdRun one) && new CudaSsdPlan(many.Shape, 4).Walk && !new CudaSsdPlan(one.Shape, 4).Walk);
    }

    [Theory]
    [InlineData(2400, 500, 3000, true)]
    [InlineData(2700, 500, 3000, false)]
    [InlineData(10, 1e6, 3000, true)]
    public void A_start_is_judged_by_what_is_ours(double compiler, double driver, int most, bool passes)
    {
        using EmulatedGpu gpu = Emulated.Gpu();
        var (record, text, _) = Recorder();
        Start.Run(new MemorylessGpu(), new StartTimes(driver, compiler, driver), passes ? most : (int)compiler - 1, record);
        Assert.True(record.Passed == (passes ? 1 : 0) && record.Failed == (passes ? 0 : 1), text.ToString());
    }

    [Fact]
    public void Floors_are_those_of_the_published_shape()
    {
        // scan of B 8, L 2048, D 1536, N 16 with z: 405 and 202 MB forward, 707 and 353 MB backward, and 1 % for B and C; 0.4 G exponentials.
        var shape = new ScanRun(8, 2048, 1536, 16);
        Assert.Equal(405e6, Floor<float>(forward: true).Bytes, 6e6);
        Assert.Equal(202e6, Floor<BFloat16>(forward: true).Bytes, 3e6);
        Assert.Equal(707e6, Floor<float>(forward: false).Bytes, 12e6);
        Assert.Equal(353e6, Floor<BFloat16>(forward: false).Bytes, 6e6);
        Assert.Equal(402.7e6 + (3 * 25.2e6), Floor<float>(forward: true).Exponentials, 0.2e6);
        var (time, bound) = new Bench.Speeds(3e12, 132 * 1.755e9).Floor(Floor<float>(forward: true));
        Assert.Equal((0.155, "issue"), (Math.Round(time, 3), bound));
        Assert.Contains("memory 0.135, exp 0.129, issue 0.155", new Bench.Speeds(3e12, 132 * 1.755e9).Text(Floor<float>(forward: true)), StringComparison.Ordinal);
        (time, bound) = new Bench.Speeds(3e12, 132 * 1.755e9).Floor(Floor<float>(forward: false));
        Assert.Equal((0.467, "issue"), (Math.Round(time, 3), bound));

        KernelFloor Floor<T>(bool forward)
            where T : unmanaged
        {
            using IKernelWork work = shape.OnGpu<T>(new MemorylessGpu());
            return forward ? work.ForwardFloor : work.BackwardFloor;
        }
    }

    [Fact]
    public void A_copy_has_a_speed()
    {
        using EmulatedGpu gpu = Emulated.Gpu();
        Assert.InRange(CopyKernel.BytesPerSecond(gpu, 1 << 16, 1), 1, 1e15);
    }

    [Theory]
    [InlineData("verify", "golden")]
    [InlineData("verify", "golden", "--device", "cuda", "--json", "out.jsonl")]
    [InlineData("bench", "--device", "cuda")]
    [InlineData("repeat", "--json", "out.jsonl")]
    [InlineData("start", "--most", "3000")]
    [InlineData("profile")]
    public void Arguments_that_are_right_are_taken(params string[] args) => Assert.NotNull(Arguments.Parse(args));

    [Theory]
    [InlineData]
    [InlineData("verify")]
    [InlineData("verify", "golden", "more")]
    [InlineData("verify", "golden", "--device", "tpu")]
    [InlineData("bench", "--device", "cpu")]
    [InlineData("bench", "--json")]
    [InlineData("start", "--quiet")]
    [InlineData("bench", "--most", "3")]
    public void Arguments_that_are_wrong_are_not(params string[] args) => Assert.Null(Arguments.Parse(args));

    private static WorkCase Small(string name) => name switch
    {
        "scan" => new ScanRun(2, 70, 40, 16),
        "conv" => new ConvRun(2, 70, 40, 4),
        "ssd" => new SsdRun(1, 70, 2, 16, 16),
        "arcs" => new ArcRun(60, 700, 20),
        _ => new CsrRun(60, 700, 20),
    };

    private static (CheckRecord Record, StringWriter Text, MemoryStream Json) Recorder()
    {
        var text = new StringWriter();
        var json = new MemoryStream();
        return (new CheckRecord(text, json), text, json);
    }

    private static IEnumerable<JsonElement> Lines(MemoryStream json) =>
        Encoding.UTF8.GetString(json.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement);

    /// <summary>For sizes alone: gives addresses of nothing.</summary>
    private sealed class MemorylessGpu : GpuDevice
    {
        public override string Name => "none";

        public override int SharedBytes => 100_000;

        public override nint Allocate(long bytes) => 256;

        public override void Free(nint address)
        {
        }

        public override void Clear(nint address, long bytes, nint stream = 0)
        {
        }

        public override void CopyIn(nint target, ReadOnlySpan<byte> source)
        {
        }

        public override void CopyOut(Span<byte> target, nint source)
        {
        }

        public override void Synchronize()
        {
        }

        protected override void Launch(KernelSource source, string instance, LaunchSize size, nint arguments, nint stream)
        {
        }
    }
}
