using MambaExt.Scan;
using MambaExt.Tests.Shared;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Scan;

/// <summary>Where the inputs lie in memory changes neither a value nor a gradient.</summary>
public sealed class SelectiveScanLayoutTests : TensorTests
{
    private static readonly ScanCase Case = ScanCase.Full with { Length = 9, Packed = true };

    public static TheoryData<string> Layouts() => ["half of a wider tensor", "transposed", "expanded over time", "expanded over the batch", "expanded over channels", "every second position"];

    [Theory]
    [MemberData(nameof(Layouts))]
    public void A_view_gives_the_same_values_and_gradients_as_its_copy(string layout)
    {
        Tensor? sequences = Case.Sequences();
        foreach (string name in new[] { "u", "delta", "z", "B", "C", "A", "D", "initial_state" })
        {
            Dictionary<string, Tensor> inputs = Case.Draw();
            if (View(layout, inputs[name].shape) is not var (source, view))
            {
                continue;
            }

            // The same source, read through the view and through a copy of it.
            Dictionary<string, Tensor> viewed = new(inputs) { [name] = view(source) };
            Tensor twin = Leaf(source);
            Dictionary<string, Tensor> copied = inputs.ToDictionary(p => p.Key, p => Leaf(p.Value));
            Dictionary<string, Tensor> twins = new(copied) { [name] = view(twin).contiguous() };
            Loss(viewed, sequences, out Tensor y).backward();
            Loss(twins, sequences, out Tensor expected).backward();
            TensorAssert.Same(expected, y, $"{name} {layout}");
            TensorAssert.Same(twin.grad!, source.grad, $"gradient of {name} {layout}");
            Assert.All(inputs.Keys.Where(k => k != name), k => TensorAssert.Same(copied[k].grad!, inputs[k].grad, $"gradient of {k} beside {name} {layout}"));
        }
    }

    [Fact]
    public void Halves_of_one_projection_get_their_gradients_in_one_piece()
    {
        Tensor wide = Draw(2, 9, 12).requires_grad_(), twin = Leaf(wide), A = -Draw(6, 3).abs(), B = Draw(2, 9, 3), C = Draw(2, 9, 3), delta = Draw(2, 9, 6);
        Tensor[] halves = wide.split(6, dim: 2);
        SelectiveScan.Apply(halves[0], delta, A, B, C, z: halves[1], delta_softplus: true).square().sum().backward();
        SelectiveScan.Apply(twin.narrow(2, 0, 6).contiguous(), delta, A, B, C, z: twin.narrow(2, 6, 6).contiguous(), delta_softplus: true).square().sum().backward();
        TensorAssert.Same(twin.grad!, wide.grad);
    }

    [Fact]
    public void A_sequence_index_may_be_a_view()
    {
        Dictionary<string, Tensor> inputs = Case.Draw();
        Tensor sequences = Case.Sequences()!, transposed = sequences.t().contiguous().t();
        Assert.False(transposed.is_contiguous());
        TensorAssert.Same(Case.Run(inputs, sequences).Out, Case.Run(inputs, transposed).Out);
    }

    [Fact]
    public void An_expanded_gradient_is_read_as_it_is()
    {
        Dictionary<string, Tensor> inputs = Case.Draw(), twins = inputs.ToDictionary(p => p.Key, p => Leaf(p.Value));
        var (y, last) = Case.Run(inputs, null);
        (y.sum() + last!.sum()).backward();                        // gradients with strides of 0
        (y, last) = Case.Run(twins, null);
        ((y * ones_like(y)).sum() + (last! * ones_like(last!)).sum()).backward();
        Assert.All(inputs, p => TensorAssert.Same(twins[p.Key].grad!, p.Value.grad, p.Key));

        Dictionary<string, Tensor> turned = inputs.ToDictionary(p => p.Key, p => Leaf(p.Value)), straight = inputs.ToDictionary(p => p.Key, p => Leaf(p.Value));
        Tensor g = Draw(9, 2, 6);
        (Case.Run(turned, null).Out.transpose(0, 1) * g).sum().backward();
        (Case.Run(straight, null).Out * g.transpose(0, 1).contiguous()).sum().backward();
        Assert.All(turned, p => TensorAssert.Same(straight[p.Key].grad!, p.Value.grad, p.Key));
    }

    private static Tensor Loss(Dictionary<string, Tensor> inputs, Tensor? sequences, out Tensor y)
    {
        (y, Tensor? last) = Case.Run(inputs, sequences);
        return y.sin().sum() + last!.square().sum();
    }

    /// <summary>A leaf and how to look at it so that it has <paramref name="shape"/>; null where that layout has no such shape.</summary>
    private static (Tensor Source, Func<Tensor, Tensor> View)? View(string layout, long[] shape)
    {
        bool sequence = shape.Length == 3 && shape[1] == 9;
        long[] With(int at, long size) => shape.Select((s, i) => i == at ? size : s).ToArray();

        // Negative and small, so that A and delta stay what a scan takes.
        Tensor Source(params long[] size) => (-Draw(size).abs() * 0.5).requires_grad_();
        return layout switch
        {
            "half of a wider tensor" => (Source(With(shape.Length - 1, 2 * shape[^1])), s => s.narrow(-1, shape[^1], shape[^1])),
            "transposed" when shape.Length > 1 => (Source([.. shape[..^2], shape[^1], shape[^2]]), s => s.transpose(-1, -2)),
            "expanded over time" when sequence => (Source(With(1, 1)), s => s.expand(shape)),
            "expanded over the batch" when sequence => (Source(With(0, 1)), s => s.expand(shape)),
            "expanded over channels" => (Source(With(shape.Length - 1, 1)), s => s.expand(shape)),
            "every second position" when sequence => (Source(With(1, 18)), s => s.slice(1, 0, 18, 2)),
            _ => null,
        };
    }
}
