using MambaExt.Kernels.Cpu;
using MambaExt.Kernels.Verification;
using MambaExt.Tests.Shared;

namespace MambaExt.Kernels.Tests;

public class StateSpaceDualityTests
{
    private static readonly int[] Widths = [128, 256, 512];

    private static StateSpaceDualityShape Shape(long batch, long length, int heads, int width, int states, int groups = 1) =>
        new() { Batch = batch, Length = length, Heads = heads, HeadWidth = width, States = states, Groups = groups, Softplus = true };

    public static TheoryData<string> GoldenNames()
    {
        string? folder = SharedData.Find("golden", "scan");
        return folder is null ? ["none"] : [.. Directory.GetFiles(folder, "ssd_*.safetensors").Select(f => Path.GetFileName(f)).Order()];
    }

    [Theory]
    [MemberData(nameof(GoldenNames))]
    public void Golden_files_agree_at_every_width(string name)
    {
        string folder = SharedData.Require("golden", "scan");
        using var one = new TemporaryFolder();
        File.Copy(Path.Combine(folder, name), one.File(name));
        GoldenResult[] results = [.. GoldenFiles.Run(one.Path, 2, Widths)];
        Assert.Equal(3, results.Length);
        Assert.All(results, r => Assert.True(r.Ok, $"{r}"));
    }

    /// <summary>The inputs of a golden file.</summary>
    internal static (StateSpaceDualityShape Shape, ReferenceSsd Reference) GoldenInputs(GoldenFile file)
    {
        double[]? Get(string key) => file.Find(key) is null ? null : file.Values(key);
        int Number(string key) => int.Parse(file.Text(key));
        double[] limits = [.. file.Text("dt_limit").Split(',', StringSplitOptions.RemoveEmptyEntries).Select(double.Parse)];
        var shape = Shape(Number("B"), Number("L"), Number("H"), Number("P"), Number("N"), Number("G")) with
        {
            Softplus = file.Switch("dt_softplus"),
            SkipPerChannel = file.Find("D") is { Shape.Length: 2 },
            LeastStep = limits.Length == 2 ? limits[0] : double.NegativeInfinity,
            LargestStep = limits.Length == 2 ? limits[1] : double.PositiveInfinity,
        };
        return (shape, new ReferenceSsd(shape)
        {
            X = Get("x")!, Dt = Get("dt")!, A = Get("A")!, B = Get("B")!, C = Get("C")!, D = Get("D"), Z = Get("z"), Bias = Get("dt_bias"), S0 = Get("initial_states"),
            Seq = Get("seq_idx")?.Select(v => (int)v).ToArray(), GradOut = Get("g_out"), GradLast = Get("g_final_states"),
        });
    }

    [Theory]
    [MemberData(nameof(GoldenNames))]
    public void Reference_equals_the_golden_files(string name)
    {
        var file = new GoldenFile(Path.Combine(SharedData.Require("golden", "scan"), name));
        ReferenceSsd reference = GoldenInputs(file).Reference;
        reference.Run();
        double tolerance = file.IsDouble ? 1e-12 : 2e-7;
        foreach (var (key, values) in new Dictionary<string, double[]>
        {
            ["out"] = reference.Out, ["final_states"] = reference.LastState, ["grad_x"] = reference.GX, ["grad_dt"] = reference.GDt, ["grad_A"] = reference.GA,
            ["grad_B"] = reference.GB, ["grad_C"] = reference.GC, ["grad_D"] = reference.GD, ["grad_z"] = reference.GZ, ["grad_dt_bias"] = reference.GBias,
            ["grad_initial_states"] = reference.GS0,
        })
        {
            if (file.Find(key) is not null)
            {
                Compare.Close(file.Values(key), values, tolerance, key);
            }
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 5)]
    [InlineData(4, 8)]
    [InlineData(7, 6)]
    [InlineData(8, 17)]
    [InlineData(9, 16)]
    [InlineData(16, 12)]
    [InlineData(17, 33)]
    [InlineData(24, 31)]
    [InlineData(33, 3)]
    [InlineData(64, 128)]
    public void Every_head_width_and_state_size_equals_the_reference(int width, int states)
    {
        using var single = new SsdCase<float>(Shape(1, 101, 2, width, states));
        using var exact = new SsdCase<double>(Shape(1, 53, 2, width, states));
        foreach (int bits in Widths)
        {
            single.Run(new KernelOptions(1, bits));
            single.AssertClose($"P {width}, N {states}, {bits} bits");
            exact.Run(new KernelOptions(1, bits));
            exact.AssertClose($"double, P {width}, N {states}, {bits} bits");
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(SsdPlan.SequentialLength)]
    [InlineData(SsdPlan.SequentialLength + 1)]
    [InlineData(7)]
    [InlineData(17)]
    [InlineData(SsdPlan.Chunk - 1)]
    [InlineData(SsdPlan.Chunk)]
    [InlineData(SsdPlan.Chunk + 1)]
    [InlineData(2 * SsdPlan.Chunk + 5)]
    [InlineData(4 * SsdPlan.Chunk)]
    public void Every_length_equals_the_reference(long length)
    {
        foreach (bool packed in new[] { false, true })
        {
            using var single = new SsdCase<float>(Shape(2, length, 4, 8, 5, 2), packed: packed, pad: 3);
            using var exact = new SsdCase<double>(Shape(2, length, 4, 6, 9, 2), packed: packed);
            foreach (int bits in Widths)
            {
                single.Run(new KernelOptions(2, bits));
                single.AssertClose($"L {length}, packed {packed}, {bits} bits");
                exact.Run(new KernelOptions(2, bits));
                exact.AssertClose($"double, L {length}, packed {packed}, {bits} bits");
            }
        }
    }

    /// <summary>Each pair of the nine switches in each of its four states, the other switches drawn at random.</summary>
    [Fact]
    public void Every_pair_of_options_equals_the_reference()
    {
        const int Options = 9;
        var random = new Random(3);
        for (int i = 0; i < Options; i++)
        {
            for (int j = 0; j < i; j++)
            {
                for (int pair = 0; pair < 4; pair++)
                {
                    int mask = random.Next(1 << Options) & ~(1 << i | 1 << j) | (pair & 1) << i | (pair >> 1) << j;
                    bool On(int k) => (mask >> k & 1) != 0;
                    StateSpaceDualityShape shape = Shape(2, pair == 3 ? 3 : 61, 6, 5, 7, On(8) ? 3 : 1) with
                    {
                        Softplus = On(0),
                        SkipPerChannel = On(1),
                        LeastStep = On(2) ? 0.1 : double.NegativeInfinity,
                        LargestStep = On(2) ? 0.6 : double.PositiveInfinity,
                    };
                    using var single = new SsdCase<float>(shape, z: On(3), d: On(4), bias: On(5), s0: On(6), last: On(6) ^ On(3), packed: On(7), seed: mask, pad: 3);
                    single.Run(new KernelOptions(1, Widths[pair % 3]));
                    single.AssertClose($"options {mask:b9}, {Widths[pair % 3]} bits");
                    using var exact = new SsdCase<double>(shape, z: On(3), d: On(4), bias: On(5), s0: On(6), last: On(6) ^ On(3), packed: On(7), seed: mask);
                    exact.Run(new KernelOptions(1, Widths[(pair + 1) % 3]));
                    exact.AssertClose($"double, options {mask:b9}");
                }
            }
        }
    }

    [Theory]
    [InlineData(1, 150, 24, 8, 16, 1)]
    [InlineData(2, 100, 7, 5, 9, 1)]
    [InlineData(3, 97, 6, 16, 4, 3)]
    [InlineData(5, 3, 40, 4, 4, 1)]
    public void Threads_and_checkpoints_never_change_a_bit(long batch, long length, int heads, int width, int states, int groups)
    {
        foreach (int bits in Widths)
        {
            using var scan = new SsdCase<float>(Shape(batch, length, heads, width, states, groups), packed: true);
            scan.Run(new KernelOptions(1, bits));
            Dictionary<string, float[]> one = scan.Snapshot();
            scan.AssertClose($"{bits} bits");
            foreach (int threads in new[] { 2, 3, 8 })
            {
                scan.Run(new KernelOptions(threads, bits));
                Assert.All(scan.Snapshot(), r => Assert.True(r.Value.AsSpan().SequenceEqual(one[r.Key]), $"{r.Key} at {threads} threads, {bits} bits"));
            }

            scan.Run(new KernelOptions(2, bits), checkpoints: false);
            Assert.True(scan.Snapshot()["out"].AsSpan().SequenceEqual(one["out"]));
        }
    }

    [Fact]
    public unsafe void Batch_mates_never_change_a_bit()
    {
        StateSpaceDualityShape shape = Shape(3, 100, 4, 8, 16);
        using var all = new SsdCase<float>(shape);
        all.Run(new KernelOptions(1, 256));
        float[] expected = all.Snapshot()["out"], gradient = all.Snapshot()["dx"];
        using var alone = new SsdCase<float>(shape with { Batch = 1 });
        long one = 100L * shape.Channels;
        alone.Inputs = all.Inputs with
        {
            X = all.Inputs.X + one,
            Dt = all.Inputs.Dt + 400,
            B = all.Inputs.B + 1600,
            C = all.Inputs.C + 1600,
            Z = all.Inputs.Z + one,
            InitialState = all.Inputs.InitialState + shape.Channels * 16,
        };
        alone.Gradients.Out = all.Gradients.Out + one;
        alone.Gradients.LastState = all.Gradients.LastState + shape.Channels * 16;
        alone.Run(new KernelOptions(1, 256));
        Assert.True(alone.Snapshot()["out"].AsSpan().SequenceEqual(expected.AsSpan((int)one, (int)one)));
        Assert.True(alone.Snapshot()["dx"].AsSpan().SequenceEqual(gradient.AsSpan((int)one, (int)one)));
    }

    /// <summary>Decays that vanish within a step or grow, steps of zero, thousands and far below zero.</summary>
    [Theory]
    [InlineData(-20, 1000, true)]
    [InlineData(-16, -80, true)]
    [InlineData(0, 1, false)]
    [InlineData(0.05, 0.3, false)]
    [InlineData(-3, 0, false)]
    [InlineData(-0.001, 25, true)]
    public unsafe void Extreme_steps_and_decays_equal_the_reference(double a, double dt, bool softplus)
    {
        using var scan = new SsdCase<double>(Shape(1, 120, 2, 5, 6) with { Softplus = softplus }, bias: false);
        using var single = new SsdCase<float>(Shape(1, 120, 2, 5, 6) with { Softplus = softplus }, bias: false);
        Set(scan, v => v);
        Set(single, v => (float)v);
        foreach (int bits in Widths)
        {
            scan.Run(new KernelOptions(1, bits));
            scan.AssertClose($"A {a}, dt {dt}, {bits} bits");
            single.Run(new KernelOptions(1, bits));
            Assert.All(single.Snapshot(), r => Assert.All(r.Value, v => Assert.True(float.IsFinite(v), r.Key)));
        }

        void Set<T>(SsdCase<T> c, Func<double, T> convert)
            where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
        {
            for (int h = 0; h < 2; h++) c.Inputs.A[h] = convert(c.Reference.A[h] = a);
            for (int i = 0; i < 240; i++) c.Inputs.Dt[i] = convert(c.Reference.Dt[i] = i % 7 == 3 ? 0.1 : dt);
        }
    }

    /// <summary>What is not finite in one packed sequence: every other sequence keeps its bits, whether positions or chunks are walked.</summary>
    [Theory]
    [InlineData(200, 70, 110, 90, double.NaN)]
    [InlineData(200, 48, 96, 50, double.PositiveInfinity)]
    [InlineData(60, 10, 11, 10, double.NaN)]
    [InlineData(12, 4, 8, 5, double.NaN)]
    public unsafe void What_is_not_finite_stays_in_its_packed_sequence(int length, int from, int to, int at, double bad)
    {
        const int Heads = 2, Width = 5, States = 7;
        foreach (int bits in Widths)
        {
            Dictionary<string, float[]> expected = Run("nothing", bits);
            foreach (string what in new[] { "x", "dt", "B", "C", "z", "dy" })
            {
                Dictionary<string, float[]> got = Run(what, bits);
                foreach (string name in new[] { "out", "dx", "ddt", "dB", "dC", "dz" })
                {
                    int width = expected[name].Length / length;
                    Assert.True(expected[name].AsSpan(0, from * width).SequenceEqual(got[name].AsSpan(0, from * width)), $"{what}, {bits} bits: {name} of the sequence before");
                    Assert.True(expected[name].AsSpan(to * width).SequenceEqual(got[name].AsSpan(to * width)), $"{what}, {bits} bits: {name} of the sequence after");
                }

                Assert.True(expected["last"].AsSpan().SequenceEqual(got["last"]), $"{what}, {bits} bits: last state");
                Assert.True(expected["ds0"].AsSpan().SequenceEqual(got["ds0"]), $"{what}, {bits} bits: gradient of the initial state");
            }
        }

        Dictionary<string, float[]> Run(string what, int bits)
        {
            using var scan = new SsdCase<float>(Shape(1, length, Heads, Width, States), packed: true);
            for (int t = 0; t < length; t++) scan.Inputs.SequenceIndex[t] = t < from ? 0 : t < to ? 1 : 2;
            float nothing = 0;
            float* place = what switch
            {
                "x" => scan.Inputs.X + (at * Heads * Width) + 3,
                "dt" => scan.Inputs.Dt + (at * Heads),
                "B" => scan.Inputs.B + (at * States) + 2,
                "C" => scan.Inputs.C + (at * States) + 2,
                "z" => scan.Inputs.Z + (at * Heads * Width),
                "dy" => scan.Gradients.Out + (at * Heads * Width) + 1,
                _ => &nothing,
            };
            *place = (float)bad;
            scan.Run(new KernelOptions(1, bits));
            return scan.Snapshot();
        }
    }

    [Fact]
    public unsafe void Gradients_that_nobody_wants_change_no_other()
    {
        using var scan = new SsdCase<float>(Shape(2, 70, 4, 8, 5));
        scan.Run(new KernelOptions(1, 256));
        var all = scan.Snapshot();
        scan.Gradients.X = scan.Gradients.B = scan.Gradients.D = scan.Gradients.Dt = null;
        scan.Run(new KernelOptions(1, 256));
        var some = scan.Snapshot();
        Assert.All(new[] { "dA", "dC", "dz", "dbias", "ds0" }, name => Assert.True(some[name].AsSpan().SequenceEqual(all[name]), name));
        Assert.All(some["dx"], v => Assert.True(float.IsNaN(v)));
    }

    [Fact]
    public void A_state_a_chunk_is_kept_and_no_more()
    {
        StateSpaceDualityShape shape = Shape(2, 2048, 24, 64, 128);
        Assert.Equal(2L * 42 * 24 * 64 * 128, StateSpaceDuality.CheckpointElements<float>(shape));
        Assert.Equal(0, StateSpaceDuality.CheckpointElements<float>(shape with { Length = SsdPlan.Chunk }));
    }

    [Fact]
    public unsafe void What_cannot_be_is_refused_in_a_sentence()
    {
        void Refused(StateSpaceDualityShape shape, params string[] words)
        {
            string message = Assert.Throws<ArgumentException>(() => StateSpaceDuality.Forward<float>(shape, default, default, new KernelOptions(1, 256))).Message;
            Assert.All(words, w => Assert.Contains(w, message, StringComparison.Ordinal));
        }

        Refused(Shape(-1, 5, 2, 3, 4), "batch -1", "0 or more");
        Refused(Shape(1, 5, 0, 3, 4), "0 heads", "1 head or more");
        Refused(Shape(1, 5, 2, 2000, 4), "width 2000", "1 to 1024");
        Refused(Shape(1, 5, 4, 3, 4, 3), "3 groups", "4 heads");
        Refused(Shape(1, 5, 4, 3, 4) with { LeastStep = 2, LargestStep = 1 }, "limits 2 and 1");
        Refused(Shape(1, 5, 4, 3, 4), "x, dt, A, B and C", "null");
    }

    /// <summary>All states of 2,048 positions would be 1.6 GB; what a pass allocates, checkpoints aside, is a few matrices of a chunk, and some a head.</summary>
    [Theory]
    [InlineData(128)]
    [InlineData(256)]
    [InlineData(512)]
    public void Nothing_of_the_size_of_all_states_is_allocated(int bits)
    {
        const long States = 2048L * 24 * 64 * 128 * sizeof(float), Sequence = 2048L * 24 * 64 * sizeof(float);
        StateSpaceDualityShape shape = Shape(1, 2048, 24, 64, 128);
        using var scan = new SsdCase<float>(shape);
        scan.Run(new KernelOptions(1, bits));
        long backward = Workspace.LastBytes, kept = StateSpaceDuality.CheckpointElements<float>(shape) * sizeof(float);
        scan.Run(new KernelOptions(1, bits), checkpoints: false);
        long forward = Workspace.LastBytes;
        Assert.InRange(forward, 1, Sequence);
        Assert.InRange(backward, 1, 4 * Sequence);
        Assert.InRange(kept, 1, States / 40);
    }
}
