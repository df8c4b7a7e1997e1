using MambaExt.Scan;
using MambaExt.Tests.Shared;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Scan;

public sealed class StateSpaceDualityTests : TensorTests
{
    private const double Step = 1e-6;

    /// <summary>Every input, those that a mask leaves out being null: bits D, z, bias, initial state; D per channel.</summary>
    private static Dictionary<string, Tensor> Inputs(long length, int mask = 31, long batch = 2, ScalarType type = ScalarType.Float64)
    {
        const long H = 4, P = 3, N = 5, G = 2;
        bool On(int k) => (mask >> k & 1) != 0;
        var all = new Dictionary<string, Tensor?>
        {
            ["x"] = Draw(batch, length, H, P), ["dt"] = Draw(batch, length, H) - 1, ["A"] = -exp(Draw(H) * 0.5), ["B"] = Draw(batch, length, G, N), ["C"] = Draw(batch, length, G, N),
            ["D"] = On(0) ? On(4) ? Draw(H, P) : Draw(H) : null, ["z"] = On(1) ? Draw(batch, length, H, P) : null, ["dt_bias"] = On(2) ? Draw(H) * 0.1 : null,
            ["initial_state"] = On(3) ? Draw(batch, H, P, N) : null,
        };
        return all.Where(p => p.Value is not null).ToDictionary(p => p.Key, p => p.Value!.to_type(type).detach().clone().requires_grad_());
    }

    private static Tensor Sequences(long batch, long length) =>
        tensor(Enumerable.Range(0, (int)(batch * length)).Select(i => (int)(i % length + i / length) / 3 % 3).ToArray(), [batch, length]);

    private static (Tensor Out, Tensor Last) Run(IReadOnlyDictionary<string, Tensor> t, Tensor? sequences = null, (double, double)? limit = null)
    {
        Tensor? Get(string name) => t.GetValueOrDefault(name);
        return StateSpaceDuality.ApplyWithState(t["x"], t["dt"], t["A"], t["B"], t["C"], Get("D"), Get("z"), Get("dt_bias"), Get("initial_state"), sequences, true, limit);
    }

    private static double Loss(IReadOnlyDictionary<string, Tensor> t, Tensor? sequences, (double, double)? limit)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        var (y, last) = Run(t, sequences, limit);
        return (y.sin().sum() + last.square().sum()).item<double>();
    }

    [Theory]
    [InlineData(7, 31, false, false)]
    [InlineData(7, 15, true, false)]
    [InlineData(3, 0, true, true)]
    [InlineData(5, 6, false, true)]
    [InlineData(14, 9, true, false)]
    [InlineData(1, 31, false, false)]
    [InlineData(13, 18, false, true)]
    public void Gradients_equal_central_differences(long length, int mask, bool packed, bool limited)
    {
        Dictionary<string, Tensor> inputs = Inputs(length, mask);
        Tensor? sequences = packed ? Sequences(2, length) : null;
        (double, double)? limit = limited ? (0.2, 0.6) : null;
        var (y, last) = Run(inputs, sequences, limit);
        (y.sin().sum() + last.square().sum()).backward();
        foreach (var (name, leaf) in inputs)
        {
            double[] expected = new double[leaf.numel()];
            for (int i = 0; i < expected.Length; i++)
            {
                Tensor moved = leaf.detach().clone();
                var changed = new Dictionary<string, Tensor>(inputs) { [name] = moved };
                moved.view(-1)[i] += Step;
                double above = Loss(changed, sequences, limit);
                moved.view(-1)[i] -= 2 * Step;
                expected[i] = (above - Loss(changed, sequences, limit)) / (2 * Step);
            }

            TensorAssert.Close(tensor(expected, leaf.shape), leaf.grad, 1e-7, name);
        }
    }

    [Theory]
    [InlineData(31, false)]
    [InlineData(6, true)]
    [InlineData(9, false)]
    public void Scan_can_be_differentiated_twice(int mask, bool packed)
    {
        Dictionary<string, Tensor> inputs = Inputs(3, mask, batch: 1);
        Tensor? sequences = packed ? tensor([0, 0, 1], [1, 3], ScalarType.Int32) : null;
        string[] names = [.. inputs.Keys];
        SecondDerivative.Check(
            x =>
            {
                var (y, last) = Run(names.Zip(x).ToDictionary(p => p.First, p => p.Second), sequences, (0.1, 3));
                return y.sin().sum() + last.square().sum();
            },
            [.. inputs.Values]);
    }

    /// <summary>With <paramref name="rate"/> 1 a state lasts a few positions; with 0.003 the first position still counts at the end.</summary>
    [Theory]
    [InlineData(60, 1, true)]
    [InlineData(512, 0.003, false)]
    public void Composed_first_derivatives_equal_the_kernels(long length, double rate, bool packed)
    {
        Dictionary<string, Tensor> inputs = Inputs(length);
        inputs["A"] = Leaf(inputs["A"] * rate);
        Dictionary<string, Tensor> twins = inputs.ToDictionary(p => p.Key, p => Leaf(p.Value));
        Tensor? sequences = packed ? Sequences(2, length) : null;
        var (y, last) = Run(inputs, sequences);
        IList<Tensor> composed = autograd.grad([y.sin().sum() + last.square().sum()], [.. inputs.Values], null, true, true, false);
        var (twinY, twinLast) = Run(twins, sequences);
        (twinY.sin().sum() + twinLast.square().sum()).backward();
        Assert.All(composed.Zip(twins), p => TensorAssert.Close(p.Second.Value.grad!, p.First, 1e-11, p.Second.Key));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(70)]
    public void Without_gradients_the_bits_are_the_same(long length)
    {
        Dictionary<string, Tensor> inputs = Inputs(length, type: ScalarType.Float32);
        var (y, last) = Run(inputs);
        using IDisposable _ = no_grad();
        var (direct, directLast) = Run(inputs);
        Assert.False(direct.requires_grad);
        TensorAssert.Same(y, direct);
        TensorAssert.Same(last, directLast);
    }

    [Fact]
    public void Two_parts_through_the_state_equal_the_whole_with_gradients()
    {
        Dictionary<string, Tensor> whole = Inputs(71), cut = whole.ToDictionary(p => p.Key, p => Leaf(p.Value));
        Dictionary<string, Tensor> Part(long from, long count, Tensor state) => cut.ToDictionary(
            p => p.Key, p => p.Key == "initial_state" ? state : p.Key is "x" or "dt" or "B" or "C" or "z" ? p.Value.narrow(1, from, count) : p.Value);
        var (y, last) = Run(whole);
        (y.sin().sum() + last.square().sum()).backward();
        var (first, between) = Run(Part(0, 50, cut["initial_state"]));
        var (second, end) = Run(Part(50, 21, between));
        Tensor joined = cat([first, second], 1);
        (joined.sin().sum() + end.square().sum()).backward();
        TensorAssert.Close(y, joined, 1e-13);
        Assert.All(whole, p => TensorAssert.Close(p.Value.grad!, cut[p.Key].grad, 1e-12, p.Key));
    }

    [Fact]
    public void Slices_of_a_projection_are_read_where_they_lie()
    {
        Tensor wide = Draw(2, 60, 40).requires_grad_();
        Tensor[] parts = wide.split([12, 10, 10, 4, 4], 2);
        Tensor A = -Draw(4).abs();
        Tensor y = StateSpaceDuality.Apply(
            parts[0].unflatten(2, [4, 3]), parts[3], A, parts[1].unflatten(2, [2, 5]), parts[2].unflatten(2, [2, 5]), dt_softplus: true);
        y.sin().sum().backward();
        Tensor twin = Leaf(wide);
        Tensor[] copies = [.. twin.split([12, 10, 10, 4, 4], 2).Select(p => p.contiguous())];
        Tensor z = StateSpaceDuality.Apply(
            copies[0].view(2, 60, 4, 3), copies[3], A, copies[1].view(2, 60, 2, 5), copies[2].view(2, 60, 2, 5), dt_softplus: true);
        z.sin().sum().backward();
        TensorAssert.Same(z, y);
        TensorAssert.Same(twin.grad!, wide.grad);
    }

    [Theory]
    [InlineData(ScalarType.BFloat16, 0.02)]
    [InlineData(ScalarType.Float16, 0.004)]
    public void Narrow_types_go_in_and_out_and_float32_is_inside(ScalarType type, double tolerance)
    {
        Dictionary<string, Tensor> narrow = Inputs(60, type: type);
        Dictionary<string, Tensor> wide = narrow.ToDictionary(p => p.Key, p => p.Value.detach().to_type(ScalarType.Float32).requires_grad_());
        var (y, last) = Run(narrow);
        var (wideY, wideLast) = Run(wide);
        Assert.Equal((type, ScalarType.Float32), (y.dtype, last.dtype));
        TensorAssert.Same(wideY.to_type(type), y);
        (y.to_type(ScalarType.Float32).sum() + last.sum()).backward();
        (wideY.sum() + wideLast.sum()).backward();
        Assert.All(narrow, p => TensorAssert.Close(wide[p.Key].grad!, p.Value.grad, tolerance, p.Key));
    }

    [Theory]
    [InlineData(0, 3)]
    [InlineData(2, 0)]
    public void Empty_batches_and_sequences_are_ordinary(long batch, long length)
    {
        Dictionary<string, Tensor> inputs = Inputs(length, batch: batch);
        var (y, last) = Run(inputs);
        Assert.Equal([batch, length, 4, 3], y.shape);
        TensorAssert.Same(inputs["initial_state"], last);
        (y.sum() + last.sum()).backward();
        TensorAssert.Same(ones_like(last), inputs["initial_state"].grad);
        TensorAssert.Same(zeros_like(inputs["A"]), inputs["A"].grad);
    }

    [Fact]
    public void Wrong_tensors_are_refused_in_a_sentence()
    {
        void Refused(string name, Tensor tensor, params string[] words)
        {
            var inputs = new Dictionary<string, Tensor>(Inputs(4)) { [name] = tensor };
            Refusal.Of<ArgumentException>(() => Run(inputs), [name, .. words]);
        }

        Refused("x", Draw(2, 4, 12), "[2, 4, 12]", "[B, L, H, P]");
        Refused("dt", Draw(2, 4, 3), "[2, 4, 4]");
        Refused("A", Draw(3), "[4]", "each head");
        Refused("B", Draw(2, 4, 5), "[2, 4, G, N]");
        Refused("C", Draw(2, 4, 1, 5), "[2, 4, 2, 5]");
        Refused("D", Draw(4, 2), "[4, 3]");
        Refused("z", Draw(2, 4, 4, 2), "[2, 4, 4, 3]");
        Refused("initial_state", Draw(2, 4, 5, 3), "[2, 4, 3, 5]");
        Refused("A", randn(4), "Float32", "Float64", "to_type");
        Refusal.Of<ArgumentException>(() => Run(Inputs(4), zeros([2, 4], ScalarType.Int64)), "seq_idx", "Int32");
        Refusal.Of<ArgumentException>(() => Run(Inputs(4), null, (1, 0)), "limits 1 and 0");
        Refusal.Of<NotSupportedException>(() => Run(Inputs(4).ToDictionary(p => p.Key, p => p.Value.detach().to(META))), "meta", "cpu()");
    }

    [Fact]
    public void A_training_step_leaves_nothing_behind() => LeakCheck.LeavesNothing(() =>
    {
        using DisposeScope scope = NewDisposeScope();
        var (y, last) = Run(Inputs(60), Sequences(2, 60));
        (y.sum() + last.sum()).backward();
    });
}
