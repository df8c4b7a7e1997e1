namespace MambaExt.Distill.Accounting;

/// <summary>What a layer holds and what one image costs in it.</summary>
/// <param name="name">Its name in the model</param>
/// <param name="parameters">Trainable numbers</param>
/// <param name="flops">Floating-point operations an image, a multiply-add being two: <see cref="FlopCount"/></param>
/// <param name="field_flops">The same by the convention of published vision Mambas, for comparison with papers only</param>
public readonly record struct LayerCost(string name, long parameters, long flops, long field_flops)
{
    /// <summary>Both together.</summary>
    public static LayerCost operator +(LayerCost a, LayerCost b) =>
        new(a.name, a.parameters + b.parameters, a.flops + b.flops, a.field_flops + b.field_flops);
}
