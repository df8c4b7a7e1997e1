using System.Text.Json.Serialization;

namespace MambaExt.Graph.Models;

/// <summary>Sizes and switches of a model over graphs, and how it is made. Written into run and model folders with its kind.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(GraphMambaOptions), "graph_mamba")]
[JsonDerivedType(typeof(DeepGraphOptions), "deep")]
[JsonDerivedType(typeof(GmbOptions), "gmb")]
public abstract record GraphModelOptions
{
    /// <summary>Width of every layer.</summary>
    public int d_model { get; init; } = 64;

    /// <summary>Dropout of hidden features.</summary>
    public double dropout { get; init; } = 0.5;

    /// <summary>Dropout of input features.</summary>
    public double input_dropout { get; init; }

    /// <summary>Share of the vertices whose features a step does without altogether (DropNode, Feng et al., arXiv 2005.11079).</summary>
    public double vertex_dropout { get; init; }

    /// <summary>Channels of d_model that encode the smallest eigenvectors of the graph's Laplacian (LapPE); 0 for none.</summary>
    public int lap_pe { get; init; }

    /// <summary>Eigenvectors that <see cref="lap_pe"/> reads, the trivial one included.</summary>
    public int lap_eigs { get; init; } = 10;

    /// <summary>Channels of d_model that encode how often random walks return (RWSE); 0 for none.</summary>
    public int rwse { get; init; }

    /// <summary>Steps of the longest walk that <see cref="rwse"/> reads.</summary>
    public int rwse_steps { get; init; } = 16;

    /// <summary>Masked label prediction (UniMP, Shi et al., arXiv 2009.03509): the share of the training vertices, drawn anew in each step, whose labels
    /// the model is given as an input while its loss is over the others. In evaluation it is given the labels of all training vertices, and no
    /// others. 0 for a model that reads no labels.</summary>
    public double label_inputs { get; init; }

    /// <summary>What becomes of the vertices of a graph: none, every vertex is classified; mean, sum or max over them, every graph is.</summary>
    public string pool { get; init; } = "none";

    /// <summary>Throws one sentence with everything that is out of range.</summary>
    /// <exception cref="ArgumentException">Something is.</exception>
    public void Validate()
    {
        List<string> faults = [.. Faults()];
        Need(faults, d_model >= 1, $"d_model is {d_model}, allowed are 1 and more");
        Need(faults, dropout is >= 0 and < 1 && input_dropout is >= 0 and < 1, $"dropout and input_dropout are {dropout} and {input_dropout}, allowed are 0 up to, not with, 1");
        Need(faults, vertex_dropout is >= 0 and < 1, $"vertex_dropout is {vertex_dropout}, allowed are 0 up to, not with, 1");
        Need(faults, lap_pe >= 0 && rwse >= 0 && (long)lap_pe + rwse < Math.Max(d_model, 1), $"lap_pe and rwse are {lap_pe} and {rwse} with d_model {d_model}, allowed are 0 and more that leave channels for the features");
        Need(faults, lap_eigs is >= 1 and <= 256, $"lap_eigs is {lap_eigs}, allowed are 1 to 256");
        Need(faults, rwse_steps is >= 1 and <= 1000, $"rwse_steps is {rwse_steps}, allowed are 1 to 1000");
        Need(faults, pool is "none" or "mean" or "sum" or "max", $"pool is '{pool}', allowed are none, mean, sum, max");
        Need(faults, label_inputs is >= 0 and < 1, $"label_inputs is {label_inputs}, allowed are 0 (none) up to, not with, 1");
        Need(faults, label_inputs == 0 || pool == "none", $"label_inputs is {label_inputs} where whole graphs are classified, allowed is 0");
        if (faults.Count > 0)
        {
            throw new ArgumentException($"{Title} options: {string.Join("; ", faults)}.");
        }

        ValidateParts();
    }

    /// <summary>As <see cref="Validate()"/>, and whatever depends on the graph.</summary>
    /// <param name="vertices">V</param>
    public virtual void Validate(int vertices) => Validate();

    /// <summary>The model, with weights from torch's generator.</summary>
    /// <param name="features">F</param>
    /// <param name="outputs">K, or 1 for two classes judged by ROC AUC</param>
    /// <param name="arcFeatures">F_e; 0 for none</param>
    public abstract GraphModel Create(int features, int outputs, int arcFeatures = 0);

    /// <summary>What the options are of, in messages.</summary>
    protected abstract string Title { get; }

    /// <summary>A clause for each value that is out of range.</summary>
    protected abstract IEnumerable<string> Faults();

    /// <summary>Options of parts, which have messages of their own.</summary>
    protected virtual void ValidateParts()
    {
    }

    /// <summary>Adds <paramref name="text"/> where something is not <paramref name="good"/>.</summary>
    protected static void Need(List<string> faults, bool good, string text)
    {
        if (!good)
        {
            faults.Add(text);
        }
    }
}
