using System.Runtime.InteropServices;
using MambaExt.Native;
using MambaExt.Scan;
using MambaExt.Sparse;
using MambaExt.Tests.Shared;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Native;

public sealed class BackwardGuardTests : TensorTests
{
    [Fact]
    public void A_fault_gives_gradients_that_are_not_a_number_and_is_thrown_by_the_next_operator()
    {
        TensorForm form = TensorForm.Of(zeros(2, 3, dtype: ScalarType.Float64));
        List<Tensor> gradients = BackwardGuard.Run(() => throw new InvalidOperationException("broken"), [form, null]);
        Assert.Equal([2, 3], gradients[0].shape);
        Assert.Equal(ScalarType.Float64, gradients[0].dtype);
        Assert.True(gradients[0].isnan().all().item<bool>());
        Assert.Null(gradients[1]);
        Assert.Equal("broken", Assert.Throws<InvalidOperationException>(BackwardGuard.ThrowPending).Message);
        BackwardGuard.ThrowPending();
    }

    [Fact]
    public void Of_several_faults_the_first_is_thrown()
    {
        BackwardGuard.Run(() => throw new InvalidOperationException("cause"), []);
        BackwardGuard.Run(() => throw new InvalidOperationException("consequence"), []);
        Assert.Equal("cause", Assert.Throws<InvalidOperationException>(BackwardGuard.ThrowPending).Message);
        BackwardGuard.ThrowPending();
    }

    [Theory]
    [InlineData("scan")]
    [InlineData("convolution")]
    [InlineData("weighted sum")]
    public void An_input_changed_in_place_before_backward_is_reported_and_does_not_end_the_process(string operation)
    {
        using var matrix = new CsrMatrix(3, [0, 2, 3], [0, 2, 1]);
        Tensor x = (operation == "weighted sum" ? Draw(3, 2) : Draw(1, 3, 2)).requires_grad_(), other = Draw(3).requires_grad_();
        Tensor y = operation switch
        {
            "scan" => SelectiveScan.Apply(x, x, -ones(2, 1, dtype: ScalarType.Float64), Draw(1, 3, 1), Draw(1, 3, 1), delta_softplus: true),
            "convolution" => CausalConv1d.Apply(x, Draw(2, 3)),
            _ => matrix.WeightedSum(x, other),
        };
        using (no_grad())
        {
            x.add_(1);
        }

        y.sum().backward();
        Assert.True(x.grad!.isnan().all().item<bool>());
        ExternalException thrown = Assert.Throws<ExternalException>(() => CausalConv1d.Apply(Draw(1, 3, 2), Draw(2, 3)));
        Assert.Contains("inplace operation", thrown.Message, StringComparison.Ordinal);
        CausalConv1d.Apply(Draw(1, 3, 2), Draw(2, 3));
    }

    [Fact]
    public void A_matrix_disposed_before_backward_is_reported_and_does_not_end_the_process()
    {
        var matrix = new CsrMatrix(4, [0, 2, 3], [0, 2, 1]);
        Tensor x = Draw(4, 2).requires_grad_();
        Tensor y = matrix.Sum(x);
        matrix.Dispose();
        matrix.Dispose();
        y.sum().backward();
        Assert.Equal([4, 2], x.grad!.shape);
        Assert.True(x.grad.isnan().all().item<bool>());
        Assert.Throws<ObjectDisposedException>(BackwardGuard.ThrowPending);
        Assert.Throws<ObjectDisposedException>(() => matrix.Sum(x));
    }

    [Fact]
    public void A_fault_with_create_graph_does_not_end_the_process()
    {
        Tensor x = Draw(1, 3, 2).requires_grad_();
        Tensor y = CausalConv1d.Apply(x, Draw(2, 3));
        using (no_grad())
        {
            x.add_(1);
        }

        Assert.True(autograd.grad([y.sum()], [x], null, true, true)[0].isnan().all().item<bool>());
        Assert.Throws<ExternalException>(BackwardGuard.ThrowPending);
    }
}
