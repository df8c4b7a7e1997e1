namespace MambaExt.Fscil.Recipes;

/// <summary>
/// The schedule of Mamba-FSCIL: a linear rise over the first steps from a share, half a cosine down to a share, and that share's tenth over the
/// last steps. As a share of the largest learning rate.
/// </summary>
/// <param name="steps">In all</param>
/// <param name="warm">Steps of the rise</param>
/// <param name="cool">Steps at the end</param>
/// <param name="least">The share at the end of the cosine</param>
/// <param name="start">The share at step 0</param>
public sealed class CoolDown(long steps, int warm = 5, int cool = 5, double least = 0.01, double start = 0.1)
{
    private const double CoolShare = 0.1;

    /// <summary>The share at a step, from 0.</summary>
    public double Factor(long step)
    {
        long falling = Math.Max(1, steps - cool);
        double rise = Rise(step, warm, start);
        double fall = step >= falling ? CoolShare * least : least + ((1 - least) * 0.5 * (1 + Math.Cos(Math.PI * step / falling)));
        return rise * fall;
    }

    /// <summary>The linear rise from <paramref name="start"/> at step 0 to 1 at step <paramref name="warm"/>.</summary>
    internal static double Rise(long step, int warm, double start) => step < warm ? start + ((1 - start) * step / warm) : 1;
}
