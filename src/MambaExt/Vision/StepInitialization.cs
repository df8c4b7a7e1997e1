using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Vision;

/// <summary>The published initialization of the parameters of a selective scan.</summary>
internal static class StepInitialization
{
    /// <summary>Biases whose softplus is log-uniform in [dt_min, dt_max].</summary>
    public static Tensor Bias(Scan2dOptions options, params long[] shape)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor dt = exp(rand(shape) * (Math.Log(options.dt_max) - Math.Log(options.dt_min)) + Math.Log(options.dt_min)).clamp_min(options.dt_init_floor);

        // The inverse of softplus.
        return (dt + log(-expm1(-dt))).MoveToOuterDisposeScope();
    }

    /// <summary>log(1 ... N) in each row, [rows, N].</summary>
    public static Tensor ALog(Scan2dOptions options, long rows)
    {
        using DisposeScope scope = NewDisposeScope();
        return log(arange(1, options.d_state + 1, dtype: ScalarType.Float32)).repeat(rows, 1).MoveToOuterDisposeScope();
    }
}
