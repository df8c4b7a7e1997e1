using MambaExt.Scan;
using MambaExt.Sparse;
using MambaExt.Tests.Shared;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Scan;

public sealed class SecondDerivativeTests : TensorTests
{
    [Theory]
    [InlineData(Given.Plain, Given.Plain, false, false, false)]
    [InlineData(Given.Grouped, Given.Grouped, true, true, false)]
    [InlineData(Given.Constant, Given.Plain, true, false, false)]
    [InlineData(Given.Plain, Given.Constant, false, true, false)]
    [InlineData(Given.Plain, Given.Plain, true, true, true)]
    public void Scan_can_be_differentiated_twice(Given b, Given c, bool reverse, bool packed, bool states)
    {
        ScanCase scan = states
            ? new ScanCase { Batch = 1, Length = 3, Channels = 2, States = 2, Reverse = reverse, Packed = packed, AllStates = true, Bias = true, Initial = true, Softplus = true }
            : ScanCase.Full with { Batch = 1, Length = 4, Channels = 2, States = 2, B = b, C = c, Reverse = reverse, Packed = packed };
        Dictionary<string, Tensor> inputs = scan.Draw();
        Tensor? sequences = scan.Sequences();
        string[] names = [.. inputs.Keys];
        SecondDerivative.Check(
            x =>
            {
                var (y, last) = scan.Run(names.Zip(x).ToDictionary(p => p.First, p => p.Second), sequences);
                return y.sin().sum() + (last is null ? 0 : last.square().sum());
            },
            [.. inputs.Values]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Scan_of_an_empty_sequence_can_be_differentiated_twice(bool skip)
    {
        ScanCase scan = new ScanCase { Length = 0, Last = true, Skip = skip, Gate = skip };
        Dictionary<string, Tensor> inputs = scan.Draw();
        var (y, last) = scan.Run(inputs, null);
        IList<Tensor> first = autograd.grad([y.sum() + last!.sum()], [.. inputs.Values], null, true, true, true);
        Assert.All(first.Zip(inputs), p => TensorAssert.Same(zeros_like(p.Second.Value), p.First, p.Second.Key));
    }

    [Fact]
    public void An_output_nobody_used_counts_as_zero_with_create_graph()
    {
        ScanCase scan = ScanCase.Full with { Length = 4 };
        Dictionary<string, Tensor> inputs = scan.Draw(), twins = inputs.ToDictionary(p => p.Key, p => Leaf(p.Value));
        IList<Tensor> composed = autograd.grad([scan.Run(inputs, null).Last!.square().sum()], [.. inputs.Values], null, true, true, true);
        scan.Run(twins, null).Last!.square().sum().backward();
        Assert.All(composed.Zip(twins), p => TensorAssert.Close(p.Second.Value.grad!, p.First, 1e-12, p.Second.Key));
    }

    [Fact]
    public void A_scan_for_some_inputs_only_can_be_differentiated_twice()
    {
        // The last state depends on none of them.
        ScanCase scan = ScanCase.Full with { Batch = 1, Length = 3, Channels = 2, States = 2 };
        Dictionary<string, Tensor> inputs = scan.Draw().ToDictionary(p => p.Key, p => p.Value.detach());
        string[] names = ["C", "D", "z"];
        SecondDerivative.Check(
            x =>
            {
                Dictionary<string, Tensor> all = new(inputs);
                names.Zip(x).ToList().ForEach(p => all[p.First] = p.Second);
                var (y, last) = scan.Run(all, null);
                return (y.sin() * last!.sum()).sum();
            },
            names.Select(n => inputs[n]).ToList());
    }

    [Theory]
    [InlineData(4, true, false, false, true, 5)]
    [InlineData(3, false, true, false, true, 5)]
    [InlineData(2, true, true, true, true, 5)]
    [InlineData(4, true, false, true, true, 5)]
    [InlineData(4, true, true, true, false, 1)]
    public void Convolution_can_be_differentiated_twice(int width, bool silu, bool reverse, bool packed, bool states, long length)
    {
        Tensor? sequences = packed ? tensor(Enumerable.Range(0, 2 * (int)length).Select(i => i / 2 % 3).ToArray(), [2, length]) : null;
        List<Tensor> inputs = [Draw(2, length, 2), Draw(2, width), Draw(2)];
        if (states)
        {
            inputs.Add(Draw(2, width - 1, 2));
        }

        SecondDerivative.Check(
            x =>
            {
                var (y, final) = CausalConv1d.ApplyWithState(x[0], x[1], x[2], silu, states ? x[3] : null, sequences, reverse);
                return y.sin().sum() + final.sin().sum();
            },
            inputs);
    }

    [Theory]
    [InlineData("multiply")]
    [InlineData("sum")]
    [InlineData("weighted")]
    [InlineData("gated")]
    public void Sparse_sums_can_be_differentiated_twice(string kind)
    {
        using var matrix = new CsrMatrix(3, [0, 2, 2, 5], [0, 2, 1, 2, 2], [1, -2, 0.5f, 3, 4]);
        Tensor x = Draw(3, 2);
        List<Tensor> inputs = kind switch { "weighted" => [x, Draw(5)], "gated" => [x, Draw(5, 2)], _ => [x] };
        SecondDerivative.Check(
            t => (kind switch
            {
                "multiply" => matrix.Multiply(t[0]),
                "sum" => matrix.Sum(t[0]),
                "weighted" => matrix.WeightedSum(t[0], t[1]),
                _ => matrix.GatedSum(t[0], t[1]),
            }).sin().sum(),
            inputs);
    }
}
