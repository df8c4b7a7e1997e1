using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;

[assembly: Xunit.CollectionBehavior(DisableTestParallelization = true)]

namespace MambaExt.Tests.Shared;

/// <summary>Tests on tensors: one thread in libtorch, the same random numbers each time, a dispose scope around each test.</summary>
public abstract class TensorTests : IDisposable
{
    private readonly DisposeScope _scope;

    static TensorTests() => set_num_threads(1);

    protected TensorTests()
    {
        manual_seed(20240601);
        _scope = NewDisposeScope();
    }

    public void Dispose()
    {
        _scope.Dispose();
        GC.SuppressFinalize(this);

        // A fault that a test provoked and did not collect would surface in another test.
        BackwardGuard.ThrowPending();
    }

    /// <summary>Normal numbers.</summary>
    protected static Tensor Draw(params long[] shape) => randn(shape, ScalarType.Float64);

    /// <summary>A leaf with the values of <paramref name="tensor"/> and the same strides where it has no overlap.</summary>
    protected static Tensor Leaf(Tensor tensor) => tensor.detach().clone().requires_grad_(tensor.is_floating_point());

    /// <summary>Runs <paramref name="action"/> on a thread of its own, where no dispose scope holds tensors: only the collector frees them.</summary>
    protected static void WithoutScope(Action action)
    {
        Exception? fault = null;
        var thread = new Thread(() =>
        {
            try
            {
                action();
                GradientKeeper.Release();
            }
            catch (Exception e)
            {
                // Carried over to the test's thread.
                fault = e;
            }
        });
        thread.Start();
        thread.Join();
        if (fault is not null)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(fault);
        }
    }
}
