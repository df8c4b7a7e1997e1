using MambaExt.Kernels.Cuda;
using MambaExt.Kernels.Verification;
using MambaExt.Tests.Shared;
using static MambaExt.Kernels.Tests.Cuda.CudaStateSpaceDualityTests;

namespace MambaExt.Kernels.Tests.Cuda;

/// <summary>Mamba-2 in chunks on a GPU where numbers, sequences and arguments are at their limits.</summary>
public sealed class CudaStateSpaceDualityEdgeTests
{
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
