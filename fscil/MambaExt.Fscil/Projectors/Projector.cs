using MambaExt.Vision;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Projectors;

/// <summary>Turns maps [B, h, w, C] into vectors [B, d], and can be taught new classes.</summary>
/// <param name="name">Of the module</param>
public abstract class Projector(string name) : nn.Module<Tensor, Tensor>(name)
{
    /// <summary>Parameters in all.</summary>
    public long ParameterCount => parameters().Sum(p => p.numel());

    /// <summary>As <c>forward</c>, with what steers the part that learns new classes, and what steers the base session's where it learns on; null where there is none.</summary>
    public virtual (Tensor Out, Scan2dSignals? Signals, Scan2dSignals? BaseSignals) ForwardWithSignals(Tensor map) => (forward(map), null, null);

    /// <summary>Prepares the first incremental session: which parameters learn from now on.</summary>
    /// <param name="freeze">Whether what the base session has learned stays as it is</param>
    /// <param name="zeroStart">Whether a new part begins with an output of exactly zero</param>
    public abstract void BeginIncrements(bool freeze, bool zeroStart);

    /// <summary>Part of the learning rate of an incremental session that a parameter gets.</summary>
    /// <param name="parameter">Its name</param>
    /// <param name="baseShare">Part for what the base session has learned, where it is not frozen</param>
    public virtual double Share(string parameter, double baseShare) => 1;
}
