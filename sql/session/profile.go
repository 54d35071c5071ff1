package session

import (
	"bytes"
	"time"

	"github.com/zoryadb/zorya/sql/general"
)

// profiles are what SHOW PROFILES shows: the stages of the last statements of a session that has set @@profiling.
type profiles struct {
	on     bool // of the running statement
	began  time.Time
	stages []general.ProfileStage // of the running statement; the last one is not over
	last   int                    // number of the last statement
	kept   []general.Profile
}

// maxProfiled bounds how many bytes of a statement's text are kept.
const maxProfiled = 300

// profile begins a statement's profile, if the session wants any.
func (s *Session) profile(started time.Time) {
	if !s.set.Profiling && !s.srv.perf.WantsStages(s.performer) {
		return
	}
	if s.profiles == nil {
		s.profiles = &profiles{}
	}
	p := s.profiles
	p.on, p.began = true, started
	p.stages = append(p.stages[:0:0], general.ProfileStage{Name: "starting", At: started})
}

// enter says that the running statement goes on to a stage.
func (s *Session) enter(stage string) {
	if p := s.profiles; p != nil && p.on {
		p.stages = append(p.stages, general.ProfileStage{Name: stage, At: time.Now()})
	}
}

// profiled ends the running statement's profile.
func (s *Session) profiled(text []byte) {
	p := s.profiles
	if p == nil || !p.on {
		return
	}
	p.on = false
	end := time.Now()
	for i := range p.stages {
		until := end
		if i+1 < len(p.stages) {
			until = p.stages[i+1].At
		}
		p.stages[i].Took = until.Sub(p.stages[i].At)
	}
	if s.performer != nil {
		s.srv.perf.Stages(s.performer, p.stages)
	}
	if !s.set.Profiling || showsProfiles(text) {
		return
	}
	p.last++
	p.kept = append(p.kept, general.Profile{ID: p.last, Text: string(text[:min(len(text), maxProfiled)]), Took: end.Sub(p.began), Stages: p.stages})
	p.stages = nil
	if over := len(p.kept) - s.set.Profiles; over > 0 {
		p.kept = append(p.kept[:0:0], p.kept[over:]...)
	}
}

// showsProfiles tells the statements that are not profiled themselves.
func showsProfiles(text []byte) bool {
	words := bytes.Fields(text)
	return len(words) > 1 && bytes.EqualFold(words[0], []byte("SHOW")) && len(words[1]) >= 7 && bytes.EqualFold(words[1][:7], []byte("PROFILE"))
}

// keptProfiles is general.Hooks.Profiles.
func (s *Session) keptProfiles() []general.Profile {
	if s.profiles == nil {
		return nil
	}
	return s.profiles.kept
}
