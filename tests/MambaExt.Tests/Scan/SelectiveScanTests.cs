using MambaExt.Scan;
using MambaExt.Tests.Shared;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Scan;

public sealed class SelectiveScanTests : TensorTests
{
    private const double Tight = 1e-10;

    public static TheoryData<int, long> Options()
    {
        // 0 to 71 draws every pair of ways to give B and C eight times, each time with other switches.
        var data = new TheoryData<int, long>();
        long[] lengths = [5, 1, 8, 2, 13, 3];
        for (int bits = 0; bits < 72; bits++)
        {
            data.Add(bits, lengths[bits % lengths.Length]);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Options))]
    public void Apply_equals_plain_torch_in_values_and_gradients(int bits, long length) => Compare(ScanCase.FromBits(bits, length));

    [Theory]
    [InlineData(63, false)]
    [InlineData(64, true)]
    [InlineData(65, false)]
    [InlineData(130, true)]
    public void Apply_over_several_checkpoints_equals_plain_torch(long length, bool reverse) =>
        Compare(ScanCase.Full with { Length = length, Packed = length > 64, Reverse = reverse, Channels = 4, States = 2 });

    [Theory]
    [InlineData(false, false, Given.Plain)]
    [InlineData(true, true, Given.Plain)]
    [InlineData(false, true, Given.Grouped)]
    [InlineData(true, false, Given.Constant)]
    public void States_equal_plain_torch(bool reverse, bool packed, Given b) =>
        Compare(new ScanCase { AllStates = true, Reverse = reverse, Packed = packed, B = b, Bias = true, Initial = true, Softplus = true });

    [Theory]
    [InlineData(0, 3)]
    [InlineData(2, 0)]
    [InlineData(0, 0)]
    [InlineData(2, 1)]
    public void Empty_batches_and_sequences_are_ordinary(long batch, long length)
    {
        foreach (bool reverse in new[] { false, true })
        {
            Compare(ScanCase.Full with { Batch = batch, Length = length, Reverse = reverse });
            Compare(new ScanCase { Batch = batch, Length = length, Reverse = reverse, Last = true });
        }
    }

    [Fact]
    public void Scan_of_an_empty_sequence_returns_the_initial_state()
    {
        ScanCase scan = ScanCase.Full with { Length = 0 };
        Dictionary<string, Tensor> inputs = scan.Draw();
        var (y, last) = scan.Run(inputs, null);
        Assert.Equal([2, 0, 6], y.shape);
        TensorAssert.Same(inputs["initial_state"], last);
        last!.sum().backward();
        TensorAssert.Same(ones_like(last), inputs["initial_state"].grad);
    }

    [Fact]
    public void Only_inputs_that_ask_get_a_gradient()
    {
        ScanCase scan = ScanCase.Full with { Packed = true };
        Tensor? sequences = scan.Sequences();
        Dictionary<string, Tensor> all = scan.Draw();
        scan.Run(all, sequences).Out.sum().backward();
        foreach (string name in ScanCase.Names)
        {
            Dictionary<string, Tensor> one = all.ToDictionary(p => p.Key, p => p.Value.detach().clone().requires_grad_(p.Key == name));
            var (y, _) = scan.Run(one, sequences);
            Assert.True(y.requires_grad);
            y.sum().backward();
            Assert.All(one, p => Assert.Equal(p.Key == name, p.Value.grad is not null));
            TensorAssert.Close(all[name].grad!, one[name].grad, 1e-13, name);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_output_nobody_used_counts_as_zero(bool useLast)
    {
        ScanCase scan = ScanCase.Full;
        Dictionary<string, Tensor> inputs = scan.Draw(), plain = Copy(inputs);

        // The scope ends before backward: nothing that backward needs may die with it.
        Tensor used = Inside(() => useLast ? scan.Run(inputs, null).Last! : scan.Run(inputs, null).Out);
        used.sum().backward();
        var (y, last) = scan.Plain(plain, null);
        (useLast ? last : y).sum().backward();
        Assert.All(inputs, p => TensorAssert.Close(plain[p.Key].grad ?? zeros_like(p.Value), p.Value.grad, Tight, p.Key));
    }

    [Fact]
    public void One_tensor_in_several_places_gets_the_sum_of_its_gradients()
    {
        Tensor x = Draw(2, 5, 3).requires_grad_(), A = -Draw(3, 3).abs(), other = Leaf(x);
        SelectiveScan.Apply(x, x, A, x, x, z: x, delta_softplus: true).square().sum().backward();
        var scan = new ScanCase { Length = 5, Channels = 3, Gate = true, Softplus = true };
        var named = new Dictionary<string, Tensor> { ["u"] = other, ["delta"] = other, ["A"] = A, ["B"] = other, ["C"] = other, ["z"] = other };
        scan.Plain(named, null).Out.square().sum().backward();
        TensorAssert.Close(other.grad!, x.grad, Tight);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Without_gradients_the_bits_are_the_same(bool reverse)
    {
        ScanCase scan = ScanCase.Full with { Packed = true, Reverse = reverse, Length = 70 };
        Tensor? sequences = scan.Sequences();
        foreach (ScalarType type in new[] { ScalarType.Float32, ScalarType.Float64 })
        {
            Dictionary<string, Tensor> inputs = scan.Draw(type);
            var (recorded, last) = scan.Run(inputs, sequences);
            using (no_grad())
            {
                var (direct, directLast) = scan.Run(inputs, sequences);
                Assert.False(direct.requires_grad);
                TensorAssert.Same(recorded, direct);
                TensorAssert.Same(last!, directLast);
            }

            var (unasked, unaskedLast) = scan.Run(inputs.ToDictionary(p => p.Key, p => p.Value.detach()), sequences);
            Assert.False(unasked.requires_grad);
            TensorAssert.Same(recorded, unasked);
            TensorAssert.Same(last!, unaskedLast);
        }
    }

    [Theory]
    [InlineData(ScalarType.BFloat16, 0.02)]
    [InlineData(ScalarType.Float16, 0.003)]
    public void Narrow_types_go_in_and_out_and_float32_is_inside(ScalarType type, double tolerance)
    {
        ScanCase scan = ScanCase.Full with { Packed = true };
        Tensor? sequences = scan.Sequences();
        Dictionary<string, Tensor> narrow = scan.Draw(type);
        Dictionary<string, Tensor> wide = narrow.ToDictionary(p => p.Key, p => p.Value.detach().to_type(ScalarType.Float32).requires_grad_());
        var (y, last) = scan.Run(narrow, sequences);
        var (wideY, wideLast) = scan.Run(wide, sequences);
        Assert.Equal(ScalarType.Float32, last!.dtype);
        TensorAssert.Same(wideY.to_type(type), y);
        TensorAssert.Same(wideLast!, last);
        (y.to_type(ScalarType.Float32).sum() + last.sum()).backward();
        (wideY.sum() + wideLast!.sum()).backward();
        Assert.All(narrow, p =>
        {
            Assert.Equal(type, p.Value.grad!.dtype);
            TensorAssert.Close(wide[p.Key].grad!, p.Value.grad, tolerance, p.Key);
        });
    }

    [Fact]
    public void Parameters_of_a_narrow_scan_may_stay_float32()
    {
        ScanCase scan = ScanCase.Full;
        Dictionary<string, Tensor> inputs = scan.Draw(ScalarType.BFloat16);
        foreach (string name in new[] { "A", "D", "delta_bias", "initial_state" })
        {
            inputs[name] = inputs[name].detach().to_type(ScalarType.Float32).requires_grad_();
        }

        scan.Run(inputs, null).Out.sum().backward();
        Assert.All(inputs, p => Assert.Equal(p.Value.dtype, p.Value.grad!.dtype));
        Assert.Equal(ScalarType.Float32, inputs["A"].grad!.dtype);
    }

    [Fact]
    public void Batch_mates_do_not_change_a_result()
    {
        ScanCase scan = ScanCase.Full with { Batch = 3, Length = 70 };
        Dictionary<string, Tensor> inputs = scan.Draw(ScalarType.Float32);
        Tensor y = scan.Run(inputs, null).Out;
        foreach (string name in new[] { "u", "delta", "B", "C", "z", "initial_state" })
        {
            inputs[name] = inputs[name].detach().narrow(0, 1, 1);
        }

        TensorAssert.Same(y.narrow(0, 1, 1), scan.Run(inputs, null).Out);
    }

    [Fact]
    public void Two_halves_through_the_state_equal_the_whole_with_gradients()
    {
        ScanCase scan = ScanCase.Full with { Length = 11 };
        Dictionary<string, Tensor> whole = scan.Draw(), cut = Copy(whole);
        Dictionary<string, Tensor> Part(long from, long count, Tensor state) => cut.ToDictionary(
            p => p.Key, p => p.Key == "initial_state" ? state : p.Value.dim() == 3 && p.Key is not "A" ? p.Value.narrow(1, from, count) : p.Value);
        var (y, last) = scan.Run(whole, null);
        (y.sin().sum() + last!.square().sum()).backward();
        var (first, between) = scan.Run(Part(0, 4, cut["initial_state"]), null);
        var (second, end) = scan.Run(Part(4, 7, between!), null);
        Tensor joined = cat([first, second], 1);
        (joined.sin().sum() + end!.square().sum()).backward();
        TensorAssert.Close(y, joined, 1e-13);
        TensorAssert.Close(last, end, 1e-13);
        Assert.All(whole, p => TensorAssert.Close(p.Value.grad!, cut[p.Key].grad, 1e-12, p.Key));
    }

    private static Dictionary<string, Tensor> Copy(Dictionary<string, Tensor> inputs) => inputs.ToDictionary(p => p.Key, p => Leaf(p.Value));

    private static Tensor Inside(Func<Tensor> make)
    {
        using DisposeScope scope = NewDisposeScope();
        return make().MoveToOuterDisposeScope();
    }

    private static void Compare(ScanCase scan)
    {
        Dictionary<string, Tensor> inputs = scan.Draw(), plain = Copy(inputs);
        Tensor? sequences = scan.Sequences();
        var (y, last) = scan.Run(inputs, sequences);
        var (plainY, plainLast) = scan.Plain(plain, sequences);
        TensorAssert.Close(plainY, y, Tight, "out");
        Tensor g = randn_like(plainY);
        Tensor loss = (y * g).sum(), plainLoss = (plainY * g).sum();
        if (scan.Last)
        {
            TensorAssert.Close(plainLast, last, Tight, "last state");
            Tensor h = randn_like(plainLast);
            (loss, plainLoss) = (loss + (last! * h).sum(), plainLoss + (plainLast * h).sum());
        }

        loss.backward();
        if (plainLoss.requires_grad)
        {
            plainLoss.backward();
        }

        Assert.All(inputs, p => TensorAssert.Close(plain[p.Key].grad ?? zeros_like(p.Value), p.Value.grad, Tight, "gradient of " + p.Key));
    }
}
