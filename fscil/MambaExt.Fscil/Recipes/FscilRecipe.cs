using MambaExt.Fscil.Projectors;

namespace MambaExt.Fscil.Recipes;

/// <summary>Everything that a run on a data set is made of: backbone, base training, projector, sessions, prototypes.</summary>
public sealed record FscilRecipe
{
    /// <summary>Which backbone.</summary>
    public BackboneOptions backbone { get; init; } = new();

    /// <summary>How it learns the base classes.</summary>
    public BaseTraining training { get; init; } = new();

    /// <summary>Views of the base images that a projector is trained on behind the frozen backbone: one without augmentation, the others with.</summary>
    public int views { get; init; } = 4;

    /// <summary>Test-time augmentation by a horizontal flip: behind the base training each image is also looked at in a mirror, and the mean of both counts. For images whose left and right mean nothing.</summary>
    public bool mirror { get; init; }

    /// <summary>Sizes of the projector.</summary>
    public ProjectorOptions projector { get; init; } = new();

    /// <summary>How the projector learns the base classes.</summary>
    public ProjectorTraining projector_training { get; init; } = new();

    /// <summary>How it learns those of later sessions.</summary>
    public IncrementalOptions incremental { get; init; } = new();

    /// <summary>How class means are calibrated.</summary>
    public PrototypeOptions prototypes { get; init; } = new();

    /// <summary>Throws a sentence a value that is out of range, all of them together.</summary>
    /// <param name="classes">Columns of the simplex</param>
    /// <exception cref="ArgumentException">A value is.</exception>
    public void Validate(int classes)
    {
        List<string> problems = [.. backbone.Problems(), .. training.Problems(), .. projector.Problems(), .. projector_training.Problems(), .. incremental.Problems(), .. prototypes.Problems()];
        if (projector.width < classes)
        {
            problems.Add($"the projector is {projector.width} wide and the protocol has {classes} classes; a simplex needs as many dimensions as classes, so give --set projector.width={Rounded(classes)} or fewer --max-classes.");
        }

        if (prototypes.levels.Except(backbone.levels).Any())
        {
            problems.Add($"prototypes.levels names stages {string.Join(", ", prototypes.levels)} and backbone.levels has {(backbone.levels.Length == 0 ? "none" : string.Join(", ", backbone.levels))}; give stages that backbone.levels has.");
        }

        if (views is < 1 or > 100)
        {
            problems.Add($"views is {views}; give 1 to 100.");
        }

        if (problems.Count > 0)
        {
            throw new ArgumentException(string.Join(' ', problems));
        }
    }

    /// <summary>Classes rounded up to a multiple of 64: the width of the CPU profile.</summary>
    public static int Rounded(int classes) => checked((classes + 63) / 64 * 64);
}
