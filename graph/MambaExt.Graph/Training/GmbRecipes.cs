using MambaExt.Graph.Models;

namespace MambaExt.Graph.Training;

/// <summary>Where <see cref="GmbModel"/> starts from on vertices, a task that its paper has not: its optimizer, schedule and sizes (arXiv 2402.00789, tables 6 and
/// 7), dropout and random-walk encodings where few or similar features want them. Not searched.</summary>
internal static class GmbRecipes
{
    public static NodeRecipe For(string dataSet) => dataSet switch
    {
        "cora" or "citeseer" or "pubmed" => new NodeRecipe(
            new GmbOptions { layers = 2, d_model = 64, dropout = 0.6, input_dropout = 0.6 },
            new NodeTrainingOptions { epochs = 200, patience = 100, learning_rate = 5e-3, weight_decay = 0.05, clip = 1, normalise_features = true }),
        "minesweeper" or "minesweeper-grid" => new NodeRecipe(
            new GmbOptions { layers = 6, d_model = 64, dropout = 0.1, edge_states = false },
            new NodeTrainingOptions { epochs = 600, patience = 0, validate_every = 10, learning_rate = 5e-3, weight_decay = 1e-4, schedule = "cosine", warmup_steps = 10, clip = 1, normalise_features = false }),
        _ => new NodeRecipe(
            new GmbOptions { layers = 4, d_model = 64, dropout = 0.2, edge_states = false, rwse = 16 },
            new NodeTrainingOptions { epochs = 300, patience = 100, validate_every = 5, learning_rate = 1e-3, weight_decay = 1e-2, schedule = "cosine", warmup_steps = 10, clip = 1, normalise_features = false }),
    };
}
