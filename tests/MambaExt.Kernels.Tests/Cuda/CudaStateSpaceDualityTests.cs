using MambaExt.Kernels.Cuda;
using MambaExt.Kernels.Verification;
using MambaExt.Tests.Shared;

namespace MambaExt.Kernels.Tests.Cuda;

/// <summary>The sources of the Mamba-2 scan on the emulated GPU.</summary>
public sealed class CudaStateSpaceDualityTests
{
    internal static StateSpaceDualityShape Shape(long batch, long length, int heads, int width, int states, int groups = 1) =>
        new() { Batch = batch, Length = length, Heads = heads, HeadWidth = width, States = states, Groups = groups, Softplus = true };

    internal static EmulatedGpu Gpu(bool reverse = false) => EmulatedGpu.Require(KernelSource.StateSpaceDuality, CudaStateSpaceDuality.Instances, reverse);

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
}
