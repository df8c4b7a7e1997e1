using MambaExt.Kernels.Cuda;
using MambaExt.Kernels.Verification;
using MambaExt.Tests.Shared;

namespace MambaExt.Kernels.Tests.Cuda;

/// <summary>The sources of the Mamba-2 scan on the emulated GPU.</summary>
public sealed class CudaStateSpaceDualityTests
{
    private static StateSpaceDualityShape Shape(long batch, long length, int heads, int width, int states, int groups = 1) =>
        new() { Batch = batch, Length = length, Heads = heads, HeadWidth = width, States = states, Groups = groups, Softplus = true };

    private static EmulatedGpu Gpu(bool reverse = false) => EmulatedGpu.Require(KernelSource.StateSpaceDuality, CudaStateSpaceDuality.Instances, reverse);

    [Theory]
    [MemberData(nameof(StateSpaceDualityTests.GoldenNames), MemberType = typeof(StateSpaceDualityTests))]
    public void Golden_files_agree(string name)
    {
        var file = new GoldenFile(Path.Combine(SharedData.Require("golden", "scan"), name));
        using EmulatedGpu gpu = Gpu();
        var (shape, reference) = StateSpaceDualityTests.GoldenInputs(file);
        if (file.IsDouble)
        {
            Check<double>();
        }
        else
        {
            Check<float>();
        }

        void Check<T>()
            where T : unmanaged
        {
            using var scan = new CudaSsdCase<T>(gpu, shape, reference);
            scan.Run();
            scan.AssertClose(name);
            Dictionary<string, double[]> got = scan.Snapshot();
            var names = new Dictionary<string, (string Key, GoldenKind Kind)>
            {
                ["out"] = ("out", GoldenKind.Output), ["last"] = ("final_states", GoldenKind.Output), ["dx"] = ("grad_x", GoldenKind.SequenceGradient),
                ["ddt"] = ("grad_dt", GoldenKind.SequenceGradient), ["dA"] = ("grad_A", GoldenKind.ParameterGradient), ["dB"] = ("grad_B", GoldenKind.SequenceGradient),
                ["dC"] = ("grad_C", GoldenKind.SequenceGradient), ["dD"] = ("grad_D", GoldenKind.ParameterGradient), ["dz"] = ("grad_z", GoldenKind.SequenceGradient),
                ["dbias"] = ("grad_dt_bias", GoldenKind.ParameterGradient), ["ds0"] = ("grad_initial_states", GoldenKind.SequenceGradient),
            };
            foreach (var (result, (key, kind)) in names.Where(n => file.Find(n.Value.Key) is not null)) file.Compare(key, got[result], kind);
            GoldenResult outcome = file.Result("emulated", 0);
            Assert.True(outcome.Ok, $"{outcome}");
        }
    }

    [Theory]
    [Trait("Emulator", "address")]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(17)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(200)]
    public void Every_length_equals_the_reference(long length)
    {
        using EmulatedGpu gpu = Gpu();
        foreach (bool packed in new[] { false, true })
        {
            using var single = CudaSsdCase<float>.Random(gpu, Shape(2, length, 4, 5, 7, 2), packed: packed, pad: 3);
            single.Run();
            single.AssertClose($"L {length}, packed {packed}");
            using var exact = CudaSsdCase<double>.Random(gpu, Shape(1, length, 3, 6, 9), packed: packed);
            exact.Run();
            exact.AssertClose($"L {length}, packed {packed}");
        }
    }

    [Fact]
    public void More_than_2_to_the_17_positions_equal_the_reference()
    {
        using EmulatedGpu gpu = Gpu();
        using var scan = CudaSsdCase<float>.Random(gpu, Shape(1, (1 << 17) + 65, 1, 1, 1), packed: true);
        scan.Run();
        scan.AssertClose("long");
    }

    [Theory]
    [InlineData(1, 1, 1, 1)]
    [InlineData(5, 7, 3, 3)]
    [InlineData(16, 16, 4, 2)]
    [InlineData(64, 128, 2, 1)]
    [InlineData(65, 4, 1, 1)]
    [InlineData(3, 131, 6, 1)]
    [InlineData(130, 70, 1, 1)]
    public void Every_head_width_and_state_size_equals_the_reference(int width, int states, int heads, int groups)
    {
        using EmulatedGpu gpu = Gpu();
        using var single = CudaSsdCase<float>.Random(gpu, Shape(1, 101, heads, width, states, groups));
        single.Run();
        single.AssertClose($"P {width}, N {states}");
        using var exact = CudaSsdCase<double>.Random(gpu, Shape(1, 66, heads, width, states, groups), packed: true, pad: 1);
        exact.Run();
        exact.AssertClose($"P {width}, N {states}");
    }

    /// <summary>Each pair of the nine switches in each of its four states, the other switches drawn at random.</summary>
    [Fact]
    public void Every_pair_of_options_equals_the_reference()
    {
        const int Options = 9;
        using EmulatedGpu gpu = Gpu();
        var random = new Random(3);
        for (int i = 0; i < Options; i++)
        {
            for (int j = 0; j < i; j++)
            {
                for (int pair = 0; pair < 4; pair++)
                {
                    int mask = random.Next(1 << Options) & ~(1 << i | 1 << j) | (pair & 1) << i | (pair >> 1) << j;
                    bool On(int k) => (mask >> k & 1) != 0;
                    StateSpaceDualityShape shape = Shape(1, pair == 3 ? 3 : 70, 4, 5, 6, On(8) ? 2 : 1) with
                    {
                        Softplus = On(0),
                        SkipPerChannel = On(1),
                        LeastStep = On(2) ? 0.1 : double.NegativeInfinity,
                        LargestStep = On(2) ? 0.6 : double.PositiveInfinity,
                    };
                    using var single = CudaSsdCase<float>.Random(
                        gpu, shape, z: On(3), d: On(4), bias: On(5), s0: On(6), last: On(6) ^ On(3), packed: On(7), seed: mask, pad: pair);
                    single.Run();
                    single.AssertClose($"options {mask:b9}");
                }
            }
        }
    }

    [Theory]
    [InlineData(5, 7, 3)]
    [InlineData(64, 32, 0)]
    public void Sixteen_bit_sequences_equal_the_reference_on_their_values(int width, int states, int pad)
    {
        using EmulatedGpu gpu = Gpu();
        using var brain = CudaSsdCase<BFloat16>.Random(gpu, Shape(2, 97, 4, width, states, 2), packed: true, pad: pad);
        brain.Run();
        brain.AssertClose($"P {width}, N {states}");
        using var half = CudaSsdCase<Half>.Random(gpu, Shape(2, 97, 4, width, states, 2), pad: pad);
        half.Run();
        half.AssertClose($"P {width}, N {states}");
    }

    [Fact]
    public void Equals_the_kernel_of_the_processor()
    {
        using EmulatedGpu gpu = Gpu();
        StateSpaceDualityShape shape = Shape(2, 150, 4, 16, 20, 2);
        using var here = CudaSsdCase<float>.Random(gpu, shape, packed: true);
        here.Run();
        using var there = new SsdCase<float>(shape, packed: true);
        there.Run(new KernelOptions(1, 256));
        Dictionary<string, double[]> results = here.Snapshot();
        Assert.Equal(11, results.Count);
        Assert.All(there.Snapshot(), r => Compare.Close(Array.ConvertAll(r.Value, v => (double)v), results[r.Key], 5e-5, r.Key));
    }

    /// <summary>With few tiles of states, or with so many that a block walks over the chunks.</summary>
    [Theory]
    [InlineData(2, 130, 5, 6, 9)]
    [InlineData(64, 70, 4, 2, 3)]
    public void Runs_and_orders_of_blocks_never_change_a_bit(long batch, long length, int heads, int width, int states)
    {
        StateSpaceDualityShape shape = Shape(batch, length, heads, width, states);
        Dictionary<string, double[]>? first = null;
        foreach (bool reverse in new[] { false, false, true })
        {
            using EmulatedGpu gpu = Gpu(reverse);
            using var scan = CudaSsdCase<float>.Random(gpu, shape, packed: true);
            scan.Run();
            scan.AssertClose($"reverse {reverse}");
            first ??= scan.Snapshot();
            foreach (var (name, values) in scan.Snapshot()) Compare.Same(first[name], values, name);
            scan.Run(checkpoints: false);
            Compare.Same(first["out"], scan.Snapshot()["out"], "out without checkpoints");
        }
    }

    [Fact]
    public unsafe void Batch_mates_and_the_form_they_decide_never_change_a_bit()
    {
        using EmulatedGpu gpu = Gpu();
        StateSpaceDualityShape shape = Shape(64, 70, 4, 2, 3);
        using var all = CudaSsdCase<float>.Random(gpu, shape);
        all.Run();
        Dictionary<string, double[]> expected = all.Snapshot();
        using var alone = CudaSsdCase<float>.Random(gpu, shape with { Batch = 1 });
        int x = 70 * 8, bc = 70 * 3, dt = 70 * 4, state = 8 * 3;
        alone.Inputs = all.Inputs with
        {
            X = all.Inputs.X + x,
            Dt = all.Inputs.Dt + dt,
            B = all.Inputs.B + bc,
            C = all.Inputs.C + bc,
            Z = all.Inputs.Z + x,
            InitialState = all.Inputs.InitialState + state,
        };
        alone.Gradients.Out = all.Gradients.Out + x;
        alone.Gradients.LastState = all.Gradients.LastState + state;
        alone.Run();
        Dictionary<string, double[]> got = alone.Snapshot();
        foreach (var (name, count) in new[] { ("out", x), ("last", state), ("dx", x), ("ddt", dt), ("dB", bc), ("dC", bc), ("dz", x), ("ds0", state) })
        {
            Compare.Same(expected[name][count..(2 * count)], got[name], name);
        }
    }

    /// <summary>Decays that vanish within a step or grow, steps of zero, thousands and far below zero.</summary>
    [Theory]
    [InlineData(-20, 1000, true)]
    [InlineData(-16, -80, true)]
    [InlineData(0, 1, false)]
    [InlineData(0.05, 0.3, false)]
    [InlineData(-3, 0, false)]
    [InlineData(-0.001, 25, true)]
    public void Extreme_steps_and_decays_equal_the_reference(double a, double dt, bool softplus)
    {
        using EmulatedGpu gpu = Gpu();
        StateSpaceDualityShape shape = Shape(1, 120, 2, 5, 6) with { Softplus = softplus };
        using var drawn = new SsdCase<double>(shape, bias: false);
        ReferenceSsd reference = drawn.Reference;
        Array.Fill(reference.A, a);
        for (int i = 0; i < reference.Dt.Length; i++) reference.Dt[i] = i % 7 == 3 ? 0.1 : dt;
        using var exact = new CudaSsdCase<double>(gpu, shape, reference);
        exact.Run();
        exact.AssertClose($"A {a}, dt {dt}");
        using var single = new CudaSsdCase<float>(gpu, shape, reference);
        single.Run();
        Assert.All(single.Snapshot(), r => Assert.All(r.Value, v => Assert.True(double.IsFinite(v), r.Key)));
    }

    /// <summary>Strong decays before weak ones: the difference of two running sums would have no digits left.</summary>
    [Fact]
    public void Strong_decays_cost_later_weak_ones_no_digits()
    {
        using EmulatedGpu gpu = Gpu();
        StateSpaceDualityShape shape = Shape(1, 128, 1, 4, 4) with { Softplus = false };
        using var drawn = new SsdCase<double>(shape, bias: false);
        drawn.Reference.A[0] = -1;
        for (int t = 0; t < 128; t++) drawn.Reference.Dt[t] = t % 64 < 20 ? 60000 : 1 / 1024.0;
        using var single = new CudaSsdCase<float>(gpu, shape, drawn.Reference);
        single.Run();
        single.Reference.Run();
        for (int t = 0; t < 128; t++)
        {
            if (t % 64 >= 20) Compare.Close(single.Reference.Out[(t * 4)..(t * 4 + 4)], single.Snapshot()["out"][(t * 4)..(t * 4 + 4)], 1e-5, $"t {t}");
        }
    }

    /// <summary>What is not finite in one packed sequence: every other sequence keeps its bits, and so do earlier positions. Within chunks of 64 positions,
    /// over their boundaries and just between them; with few tiles of states, and (the last) with so many that a block walks over the chunks.</summary>
    [Theory]
    [InlineData(double.NaN, 1, 2, 5, 7, 70, 110)]
    [InlineData(double.PositiveInfinity, 1, 2, 5, 7, 70, 110)]
    [InlineData(double.NaN, 1, 1, 64, 16, 64, 128)]
    [InlineData(double.NegativeInfinity, 1, 2, 5, 7, 60, 68)]
    [InlineData(double.NaN, 64, 4, 2, 3, 60, 68)]
    public unsafe void What_is_not_finite_stays_with_those_that_read_it(double bad, int batch, int heads, int width, int states, int from, int to)
    {
        const int Length = 140;
        int at = (from + to) / 2, d = heads * width;
        using EmulatedGpu gpu = Gpu();
        StateSpaceDualityShape shape = Shape(batch, Length, heads, width, states);
        CudaSsdCase<float> Case()
        {
            using var drawn = new SsdCase<double>(shape, packed: true);
            for (int i = 0; i < batch * Length; i++) drawn.Reference.Seq![i] = i % Length < from ? 0 : i % Length < to ? 1 : 2;
            return new CudaSsdCase<float>(gpu, shape, drawn.Reference);
        }

        using CudaSsdCase<float> clean = Case();
        clean.Run();
        Dictionary<string, double[]> expected = clean.Snapshot();
        string[] all = batch == 1 ? ["x", "dt", "B", "C", "z", "dy"] : ["x", "dy"];
        foreach (string what in all)
        {
            using CudaSsdCase<float> dirty = Case();
            float* place = what switch
            {
                "x" => dirty.Inputs.X + (at * d) + 1,
                "dt" => dirty.Inputs.Dt + (at * heads),
                "B" => dirty.Inputs.B + (at * states) + 2,
                "C" => dirty.Inputs.C + (at * states) + 2,
                "z" => dirty.Inputs.Z + (at * d),
                _ => dirty.Gradients.Out + (at * d) + 1,
            };
            *place = (float)bad;
            dirty.Run();
            Dictionary<string, double[]> got = dirty.Snapshot();
            foreach (string name in new[] { "out", "dx", "ddt", "dB", "dC", "dz" })
            {
                int row = expected[name].Length / (batch * Length);
                Compare.Same(expected[name][..(from * row)], got[name][..(from * row)], $"{what}: {name} of the sequence before");
                Compare.Same(expected[name][(to * row)..], got[name][(to * row)..], $"{what}: {name} of the sequence after");
            }

            Compare.Same(expected["last"], got["last"], what);
            Compare.Same(expected["ds0"], got["ds0"], what);
            Compare.Same(expected["out"][..(at * d)], got["out"][..(at * d)], $"{what}: out of earlier positions");
            if (what is "C" or "z" or "dy")
            {
                Compare.Same(expected["dx"][((at + 1) * d)..], got["dx"][((at + 1) * d)..], $"{what}: dx of later positions");
            }
        }
    }

    [Fact]
    public unsafe void Gradients_that_nobody_wants_change_no_other()
    {
        using EmulatedGpu gpu = Gpu();
        using var scan = CudaSsdCase<float>.Random(gpu, Shape(2, 70, 4, 8, 5));
        scan.Run();
        Dictionary<string, double[]> all = scan.Snapshot();
        scan.Gradients.X = scan.Gradients.B = scan.Gradients.D = scan.Gradients.Dt = null;
        scan.Run();
        Dictionary<string, double[]> some = scan.Snapshot();
        Assert.All(new[] { "dA", "dC", "dz", "dbias", "ds0" }, name => Compare.Same(all[name], some[name], name));
        Assert.All(some["dx"], v => Assert.True(double.IsNaN(v)));
        scan.Gradients.C = scan.Gradients.Z = scan.Gradients.A = scan.Gradients.DtBias = scan.Gradients.InitialState = null;
        scan.Run();
        Assert.All(scan.Snapshot().Where(r => r.Key is not ("out" or "last")), r => Assert.All(r.Value, v => Assert.True(double.IsNaN(v))));
    }

    [Fact]
    public void A_batch_of_none_has_gradients_of_zero()
    {
        using EmulatedGpu gpu = Gpu();
        using var scan = CudaSsdCase<float>.Random(gpu, Shape(0, 70, 3, 4, 5), packed: true);
        scan.Run();
        scan.AssertClose("no batch");
    }

    [Fact]
    public void A_state_a_chunk_is_kept_and_nothing_grows_with_length_times_states()
    {
        StateSpaceDualityShape shape = Shape(8, 2048, 24, 64, 128);
        long x = 8L * 2048 * 24 * 64, states = 8L * 32 * 24 * 64 * 128;
        Assert.Equal(states, CudaStateSpaceDuality.CheckpointElements(shape));
        Assert.True(CudaStateSpaceDuality.ForwardWorkspaceBytes<BFloat16>(shape, checkpoints: true) < x);
        Assert.True(CudaStateSpaceDuality.BackwardWorkspaceBytes<float>(shape) < 4 * (states + (2 * x)));
    }

    [Fact]
    public unsafe void What_cannot_be_is_refused_as_on_the_processor()
    {
        using var gpu = new EmulatedGpu();
        void Refused(StateSpaceDualityShape shape, params string[] words)
        {
            string message = Assert.Throws<ArgumentException>(() => CudaStateSpaceDuality.Forward<BFloat16>(gpu, shape, default, default, 0)).Message;
            Assert.All(words, w => Assert.Contains(w, message, StringComparison.Ordinal));
        }

        Refused(Shape(-1, 5, 2, 3, 4), "batch -1", "0 or more");
        Refused(Shape(1, 5, 2, 2000, 4), "width 2000", "1 to 1024");
        Refused(Shape(1, 5, 4, 3, 4), "x, dt, A, B and C", "null");
        Assert.Contains("Int32", Assert.Throws<ArgumentException>(() => CudaStateSpaceDuality.Forward<int>(gpu, Shape(0, 5, 4, 3, 4), new() { A = (int*)1 }, default, 0)).Message);
        var inputs = new StateSpaceDualityInputs<float> { A = (float*)1, X = (float*)1, Dt = (float*)1, B = (float*)1, C = (float*)1 };
        Assert.Contains("checkpoints", Assert.Throws<ArgumentException>(() => CudaStateSpaceDuality.Backward(gpu, Shape(1, 5, 4, 3, 4), inputs, 0, new() { Out = (float*)1 }, 0)).Message);
    }
}
