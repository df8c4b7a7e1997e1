namespace MambaExt.Fscil.Recipes;

/// <summary>
/// The schedule of Mamba-FSCIL's sessions: a linear rise over the first steps from a tenth, half a cosine down to a share, and that share's tenth over the
/// last steps. As a share of the largest learning rate.
/// </summary>
/// <param name="steps">In all</param>
/// <param name="warm">Steps of the rise</param>
/// <param name="cool">Steps at the end</param>
/// <param name="least">The share at the end of the cosine</param>
public sealed class CoolDown(long steps, int warm = 5, int cool = 5, double least = 0.01)
{
    private const double WarmStart = 0.1, CoolShare = 0.1;

    /// <summary>The share at a step, from 0.</summary>
    public double Factor(long step)
    {
        long falling = Math.Max(1, steps - cool);
        double rise = step < warm ? WarmStart + ((1 - WarmStart) * step / warm) : 1;
        double fall = step >= falling ? CoolShare * least : least + ((1 - least) * 0.5 * (1 + Math.Cos(Math.PI * step / falling)));
        return rise * fall;
    }
}
