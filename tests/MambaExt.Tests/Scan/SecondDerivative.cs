using MambaExt.Tests.Shared;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Scan;

/// <summary>Second derivatives (<c>create_graph</c>) against central differences of first derivatives from the kernels.</summary>
internal static class SecondDerivative
{
    private const double Step = 1e-5;

    /// <summary>Checks the gradient of <c>S(x) = sum_i w_i * d loss / d x_i</c> in every entry of <paramref name="leaves"/>.</summary>
    public static void Check(Func<IReadOnlyList<Tensor>, Tensor> loss, IReadOnlyList<Tensor> leaves, double tolerance = 2e-8)
    {
        List<Tensor> weights = leaves.Select(l => randn_like(l)).ToList();
        List<Tensor> x = leaves.Select(l => l.detach().clone().requires_grad_()).ToList();
        IList<Tensor> first = autograd.grad([loss(x)], x, null, true, true, true);
        Tensor sum = zeros(1, ScalarType.Float64);
        for (int i = 0; i < x.Count; i++)
        {
            sum += (first[i] * weights[i]).sum();
        }

        sum.backward();
        for (int i = 0; i < x.Count; i++)
        {
            double[] expected = new double[x[i].numel()];
            for (int k = 0; k < expected.Length; k++)
            {
                expected[k] = (At(i, k, Step) - At(i, k, -Step)) / (2 * Step);
            }

            TensorAssert.Close(tensor(expected, x[i].shape), x[i].grad ?? zeros_like(x[i]), tolerance, $"second derivative of input {i}");
        }

        double At(int input, int entry, double by)
        {
            using DisposeScope scope = NewDisposeScope();
            List<Tensor> moved = leaves.Select(l => l.detach().clone()).ToList();
            using (no_grad())
            {
                moved[input].view(-1)[entry] += by;
            }

            moved.ForEach(m => m.requires_grad_());
            loss(moved).backward();
            return moved.Select((m, i) => m.grad is null ? 0 : (m.grad * weights[i]).sum().item<double>()).Sum();
        }
    }
}
