using MambaExt.Data.Images;

namespace MambaExt.Vision.Transforms;

/// <summary>A step of an <see cref="ImagePipeline"/>. Derive from it for steps of your own; all that is random comes from the numbers that are given.</summary>
public abstract record ImageTransform
{
    /// <summary>Stable words that say what the step does, options and all: teacher logits are kept under them.</summary>
    public abstract string Fingerprint { get; }

    /// <summary>The size that comes out, or null where that depends on the image.</summary>
    /// <param name="input">The size that goes in, or null where that depends on the image.</param>
    public virtual ImageSize? Output(ImageSize? input) => input;

    /// <summary>Changes the image.</summary>
    /// <param name="canvas">Holds it.</param>
    /// <param name="random">The numbers of this step for this view of this image.</param>
    public abstract void Apply(ImageCanvas canvas, ref TransformRandom random);

    /// <summary>The argument, or an error that says what it may be.</summary>
    internal static double Within(double value, double least, double most, string step, string option) => value >= least && value <= most
        ? value
        : throw new ArgumentOutOfRangeException(null, FormattableString.Invariant($"{step} was given {option} = {value}; allowed is {least} to {most}."));
}
